/// What the names of a document mean.
struct XMLNames {
    /// The names of details that mean something only within the element that they belong to.
    private enum Detail {
        case id, name, description
    }

    private let vocabulary: FieldVocabulary
    private(set) var texts: [String] = []
    /// The field that an element or attribute of each name is.
    private(set) var fields: [ExportField?] = []
    /// The field that `id` within an element of each name belongs to.
    private var owners: [ExportField?] = []
    private var details: [Detail?] = []

    init(_ vocabulary: FieldVocabulary) {
        self.vocabulary = vocabulary
    }

    mutating func append(_ text: String) {
        let field = vocabulary.field(named: text)
        let plain = FieldVocabulary.plain(text)
        let isThing = [.cart, .customer, .account, .owner].contains(field) && !plain.hasSuffix("id")
        texts.append(text)
        fields.append(field)
        owners.append(isThing ? field : nil)
        details.append(plain == "id" ? .id : plain == "name" ? .name : plain == "description" ? .description : nil)
    }

    /// The field of an attribute or leaf, given the element that it is in.
    @inline(__always)
    func field(_ name: Int, in parent: Int?) -> ExportField? {
        if let field = fields[name] { return field }
        guard let detail = details[name], let parent, let thing = owners[parent] else { return nil }
        switch detail {
        case .id: return thing
        case .name: return thing == .cart ? .cartName : nil
        case .description: return thing == .cart ? .cartDescription : nil
        }
    }
}
