import CartAssociations

/// Which columns of a CSV export, whose names say nothing, may be carts and owners by their names and values: for a message,
/// never for reading.
struct ColumnGuess {
    /// The field, and the name of the column that looks like it.
    private(set) var fields: [(field: ExportField, name: String)] = []
    /// Whether the first line looks like a record, because its cells have the form of the values below.
    private(set) var isHeaderMissing = false

    /// A column as far as the first records show it.
    private struct Column {
        let name: String
        var values: [[UInt8]] = []

        /// What a value is made of, each run of letters as `a` and each run of digits as `0`: `a-0` for `c-12`.
        static func form(_ value: some Sequence<UInt8>) -> [UInt8] {
            var form: [UInt8] = []
            for byte in value {
                let scalar = Unicode.Scalar(byte)
                let kind: UInt8 =
                    (0x30...0x39).contains(byte) ? 0x30 : scalar.properties.isAlphabetic || byte >= 0x80 ? 0x61 : byte
                if form.last != kind { form.append(kind) }
            }
            return form
        }

        var isFilled: Bool { values.count { $0.isEmpty } * 20 <= values.count && values.contains { !$0.isEmpty } }
        var filled: [[UInt8]] { values.filter { !$0.isEmpty } }
        var distinct: Double { Double(Set(filled).count) / Double(max(1, filled.count)) }
        var mayBeCarts: Bool { isFilled && filled.allSatisfy { IdentifierBytes.isCart($0.span) } && !areWords }
        var mayBeOwners: Bool { isFilled && filled.allSatisfy { IdentifierBytes.isOwner($0.span) } && !areWords }

        /// Whether the values are words, prices or dates rather than identifiers.
        private var areWords: Bool {
            let forms = Set(filled.map(Self.form))
            if forms.allSatisfy({ !$0.contains(0x30) && !$0.contains(UInt8(ascii: "@")) }) { return true }
            let dates: [[UInt8]] = ["0-0-0", "0.0.0", "0/0/0", "0.0", "0,0", "0-0-0a0:0:0", "0-0-0a0:0:0a"].map {
                Array($0.utf8)
            }
            return forms.isSubset(of: dates) || filled.allSatisfy { $0.count < 3 && Self.form($0) == [0x30] }
        }

        /// Whether its name has digits and the form of its values.
        var isNamedLikeAValue: Bool {
            guard let first = filled.first, mayBeOwners else { return false }
            let form = Self.form(name.utf8)
            let isUUID = name.utf8.count == 36 && name.utf8.count(where: { $0 == UInt8(ascii: "-") }) == 4
            return isUUID && first.count == 36 || form.contains(0x30) && form == Self.form(first)
        }

        func begins(with words: [String]) -> Bool {
            guard let first = filled.first else { return false }
            let text = String(decoding: first, as: UTF8.self).lowercased()
            return words.contains { text.hasPrefix($0) }
        }

        func isNamed(_ words: [String]) -> Bool {
            let plain = FieldVocabulary.plain(name)
            return words.contains { plain.contains($0) }
        }
    }

    private static let cartWords = ["cart", "basket", "warenkorb", "panier", "carrito", "bag", "trolley", "quote"]
    private static let accountWords = ["account", "company", "firm", "organi", "konto"]
    private static let ownerWords =
        [
            "customer", "cust", "member", "user", "shopper", "client", "kunde", "buyer", "owner", "contact", "person",
            "profile", "login", "email", "mail",
        ] + accountWords
    /// - Parameters:
    ///   - names: the columns, as the header has them.
    ///   - known: the fields that are found by their names.
    ///   - records: the values of the first records, as many as there are columns.
    init(
        _ names: [String], known: Set<ExportField>, vocabulary: FieldVocabulary, kind: OwnerKind?, records: [[String]]
    ) {
        var columns = names.map { Column(name: $0) }
        for record in records {
            for (index, text) in record.enumerated() {
                let value = Array(text.utf8)
                columns[index].values.append(Array(value[IdentifierText.unwrapped(value.indices, in: value.span)]))
            }
        }
        // One such column may be an accident: address1 has the form of cart1.
        isHeaderMissing = columns.count(where: \.isNamedLikeAValue) >= min(2, names.count)
        guard !isHeaderMissing else { return }
        columns.removeAll { vocabulary.field(named: $0.name) != nil || $0.name.isEmpty }
        var cart: String?
        if !known.contains(.cart) {
            let nearest = vocabulary.nearest(to: .cart, among: names)
            cart =
                Self.best(of: columns.filter(\.mayBeCarts)) {
                    ($0.isNamed(Self.cartWords) || $0.name == nearest ? 4 : 0)
                        + ($0.begins(with: Self.cartWords) ? 2 : 0)
                        - ($0.isNamed(Self.ownerWords) || $0.begins(with: Self.ownerWords) ? 3 : 0) + $0.distinct
                } ?? nearest
            if let cart { fields.append((.cart, cart)) }
        }
        guard known.isDisjoint(with: ExportField.owners) else { return }
        columns.removeAll { $0.name == cart }
        let nearest = [ExportField.customer, .account].lazy.compactMap { vocabulary.nearest(to: $0, among: names) }
            .first
        let owner =
            Self.best(of: columns.filter(\.mayBeOwners)) {
                ($0.isNamed(Self.ownerWords) || $0.name == nearest ? 4 : 0) + ($0.begins(with: Self.ownerWords) ? 2 : 0)
            } ?? nearest
        guard let owner, owner != cart else { return }
        let isAccount = kind.map { $0 == .account } ?? Column(name: owner).isNamed(Self.accountWords)
        fields.append((isAccount ? .account : .customer, owner))
    }

    /// The column that scores more than all others; nil if none does.
    private static func best(of columns: [Column], _ score: (Column) -> Double) -> String? {
        let scored = columns.map { (name: $0.name, score: score($0)) }.sorted { $0.score > $1.score }
        guard let first = scored.first, scored.count == 1 || first.score > scored[1].score else { return nil }
        return first.name
    }

    /// The way out, for the message about fields that were not found.
    ///
    /// - Parameter usual: the names that the fields usually have, in words.
    func advice(usual: String) -> String {
        if isHeaderMissing {
            return "the first line looks like a record: have the export written with a header line, for instance "
                + "customer_id,cart_id"
        }
        let settings =
            "mapping.cart and mapping.customer (mapping.account for accounts; mapping.owner with owner_type or --owner)"
        guard !fields.isEmpty else {
            return
                "the first line must name the columns, one of them \(usual); or say which one is which: --map cart=COLUMN "
                + "--map customer=COLUMN, or the settings \(settings)"
        }
        let looks = fields.map { "\($0.name) is the \($0.field.words)" }.joined(separator: " and ")
        let flags = fields.map { "--map \(ShellWord.quoted("\($0.field.rawValue)=\($0.name)"))" }.joined(separator: " ")
        return "if \(looks), as it seems: \(flags), or the settings \(settings)"
    }
}
