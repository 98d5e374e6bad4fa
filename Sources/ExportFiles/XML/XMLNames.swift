/// The namespaces in which the names of a document's fields are.
struct XMLFieldNamespaces: Sendable, Equatable {
    /// The namespace of the record's element.
    let record: String
    /// The namespace of a field that is found in another one.
    var others: [ExportField: String] = [:]

    func contains(_ namespace: String, for field: ExportField) -> Bool {
        (others[field] ?? record) == namespace
    }
}

/// What the names of a document mean.
struct XMLNames {
    /// The names of details that mean something only within the element that they belong to.
    private enum Detail {
        case id, name, description
    }

    private let vocabulary: FieldVocabulary
    /// nil if a name means the same in every namespace.
    private let fieldNamespaces: XMLFieldNamespaces?
    private(set) var texts: [String] = []
    private(set) var namespaces: [String] = []
    /// The field that an element or attribute of each name is.
    private(set) var fields: [ExportField?] = []
    /// The field that `id` within an element of each name belongs to.
    private var owners: [ExportField?] = []
    private var details: [Detail?] = []

    init(_ vocabulary: FieldVocabulary, in fieldNamespaces: XMLFieldNamespaces? = nil) {
        self.vocabulary = vocabulary
        self.fieldNamespaces = fieldNamespaces
    }

    mutating func append(_ text: String, in namespace: String) {
        let plain = FieldVocabulary.plain(text)
        let field = vocabulary.field(named: text).flatMap { field in
            fieldNamespaces?.contains(namespace, for: field) ?? true ? field : nil
        }
        let isThing = [.cart, .customer, .account, .owner].contains(field) && !plain.hasSuffix("id")
        texts.append(text)
        namespaces.append(namespace)
        fields.append(field)
        owners.append(isThing ? field : nil)
        details.append(plain == "id" ? .id : plain == "name" ? .name : plain == "description" ? .description : nil)
    }

    /// The field of an attribute or leaf, given the element that it is in.
    @inline(__always)
    func field(_ name: Int, in parent: Int?) -> ExportField? {
        if let field = fields[name] { return field }
        guard let detail = details[name], let parent, let thing = owners[parent] else { return nil }
        // Only what is in the namespace of an element is a detail of it.
        guard fieldNamespaces == nil || namespaces[name] == namespaces[parent] else { return nil }
        switch detail {
        case .id: return thing
        case .name: return thing == .cart ? .cartName : nil
        case .description: return thing == .cart ? .cartDescription : nil
        }
    }

    /// Whether a name is a field only by the element that it is in, as `id` in `cart` is.
    @inline(__always)
    func isDetail(_ name: Int) -> Bool { fields[name] == nil }
}
