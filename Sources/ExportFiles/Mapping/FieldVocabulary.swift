import CartAssociations

/// Which names mean which field, without regard to case, spaces, `_` and `-`.
struct FieldVocabulary: Sendable {
    /// The usual names, see `ExportField`.
    static let usual: [ExportField: [String]] = [
        .cart: ["cart_id", "cart", "cart_reference"],
        .customer: ["customer_id", "customer"],
        .account: ["account_id", "account"],
        .owner: ["owner_id"],
        .ownerType: ["owner_type"],
        .action: ["action", "operation"],
        .cartName: ["cart_name"],
        .cartDescription: ["cart_description"],
        .customerToken: ["customer_token"],
        .accountToken: ["account_token"],
        .customerEmail: ["customer_email"],
        .customerRef: ["customer_ref"],
        .accountRef: ["account_ref"],
        .accountRegistrationID: ["account_registration_id"],
        .memberEmail: ["member_email"],
        .legacyCart: ["legacy_cart", "legacy_cart_id"],
    ]

    private let fields: [String: ExportField]
    private let names: [ExportField: [String]]

    /// - Parameter unused: fields whose names mean nothing.
    init(_ options: ReadingOptions, without unused: Set<ExportField> = []) {
        var fields: [String: ExportField] = [:]
        var names = Self.usual
        for (field, name) in options.fieldNames { names[field] = [name] }
        let known = options.isCrosswalk ? ExportField.allCases : ExportField.ofExports
        for field in known where !unused.contains(field) {
            for name in names[field] ?? [] where options.fieldNames[field] == nil {
                fields[Self.plain(name)] = field
            }
        }
        // A name that a person gave wins over the usual meaning of the same name.
        for (field, name) in options.fieldNames { fields[Self.plain(name)] = field }
        self.fields = fields
        self.names = names
    }

    /// A name as it is compared.
    static func plain(_ name: String) -> String {
        name.lowercased().filter { !$0.isWhitespace && $0 != "_" && $0 != "-" }
    }

    func field(named name: String) -> ExportField? {
        fields[Self.plain(name)]
    }

    /// The names that a field can have, as a person would write them.
    func names(of field: ExportField) -> [String] {
        names[field] ?? []
    }

    /// The seen name that is nearest to one of a field's names; nil if none is near. A name with digits is passed over.
    func nearest(to field: ExportField, among seen: [String]) -> String? {
        var best: (name: String, distance: Int)?
        for name in seen where self.field(named: name) == nil && !name.isEmpty && !name.contains(where: \.isNumber) {
            let plain = Self.plain(name)
            for wanted in names(of: field).map(Self.plain) {
                let distance = EditDistance.between(plain, wanted)
                guard distance <= max(2, wanted.count / 3) else { continue }
                if best.map({ distance < $0.distance }) ?? true { best = (name, distance) }
            }
        }
        return best?.name
    }
}
