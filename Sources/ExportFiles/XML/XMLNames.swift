/// What the names of a document mean.
struct XMLNames {
    struct Name {
        let text: String
        let plain: String
        /// The field that an element or attribute of this name is.
        let field: ExportField?
        /// Whether `id`, `name` and `description` within an element of this name belong to that field.
        let ownsDetails: Bool
    }

    private let vocabulary: FieldVocabulary
    private(set) var all: [Name] = []

    init(_ vocabulary: FieldVocabulary) {
        self.vocabulary = vocabulary
    }

    mutating func append(_ text: String) {
        let field = vocabulary.field(named: text)
        let plain = FieldVocabulary.plain(text)
        let isThing = [.cart, .customer, .account, .owner].contains(field)
        all.append(Name(text: text, plain: plain, field: field, ownsDetails: isThing && !plain.hasSuffix("id")))
    }

    subscript(name: Int) -> Name { all[name] }

    /// The field of an attribute or leaf, given the element that it is in.
    func field(_ name: Int, in parent: Int?) -> ExportField? {
        if let field = all[name].field { return field }
        guard let parent, all[parent].ownsDetails, let thing = all[parent].field else { return nil }
        switch all[name].plain {
        case "id": return thing
        case "name" where thing == .cart: return .cartName
        case "description" where thing == .cart: return .cartDescription
        default: return nil
        }
    }
}

/// The values of one record's fields, as ranges of the memory they were put into.
struct XMLValues {
    var fields = RecordFields()
    var cartName = ByteRange()
    var cartDescription = ByteRange()
    var customerToken = ByteRange()
    var accountToken = ByteRange()

    subscript(field: ExportField) -> ByteRange {
        get {
            switch field {
            case .cart: fields.cart
            case .customer: fields.customer
            case .account: fields.account
            case .owner: fields.owner
            case .ownerType: fields.ownerType
            case .action: fields.action
            case .cartName: cartName
            case .cartDescription: cartDescription
            case .customerToken: customerToken
            case .accountToken: accountToken
            }
        }
        set {
            switch field {
            case .cart: fields.cart = newValue
            case .customer: fields.customer = newValue
            case .account: fields.account = newValue
            case .owner: fields.owner = newValue
            case .ownerType: fields.ownerType = newValue
            case .action: fields.action = newValue
            case .cartName: cartName = newValue
            case .cartDescription: cartDescription = newValue
            case .customerToken: customerToken = newValue
            case .accountToken: accountToken = newValue
            }
        }
    }
}

/// White space as XML has it.
enum XMLSpace {
    static func contains(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D
    }

    /// The range without white space at its ends: indented text means the text.
    static func trimmed(_ range: Range<Int>, in bytes: Span<UInt8>) -> Range<Int> {
        var range = range
        while let last = range.last, contains(bytes[last]) { range.removeLast() }
        while let first = range.first, contains(bytes[first]) { range.removeFirst() }
        return range
    }
}
