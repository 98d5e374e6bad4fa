import CartAssociations

/// Which column of a CSV export is which field.
struct CSVColumns: Sendable, Equatable {
    /// The columns that `rejects.csv` puts before the export's own.
    private static let rejectColumns = ["rejected_because", "rejected_line"]

    let names: [String]
    let owners: OwnerFields
    /// Whether carts may have any characters.
    let encodesCarts: Bool
    private let columns: [ExportField: Int]

    var count: Int { names.count }
    /// The columns up to the last one that has a name.
    let namedCount: Int
    var hasAction: Bool { columns[.action] != nil }
    /// Whether the export is a file of ours whose cells may be marked against spreadsheets: rejects, or a ledger.
    var areMarked: Bool { Self.areOfRejects(names) || names.starts(with: Self.ofLedger) }

    /// The first columns of a ledger export.
    private static let ofLedger = ["owner_type", "owner_id", "cart_id", "confirmed", "sources"]

    /// Whether the first two columns are those of a rejects file.
    static func areOfRejects(_ names: [String]) -> Bool {
        guard names.count > 2 else { return false }
        let suffix = names[0].dropFirst(rejectColumns[0].count)
        return (suffix.isEmpty || suffix.first == "_" && suffix.dropFirst().allSatisfy(\.isNumber))
            && rejectColumns.map { $0 + suffix }.elementsEqual(names.prefix(2))
    }

    /// The names of those columns for an export with these of its own: numbered if it has one of that name.
    static func rejectColumns(for names: [String]) -> [String] {
        let taken = Set(names.map(FieldVocabulary.plain))
        var columns = rejectColumns
        var number = 1
        while columns.contains(where: { taken.contains(FieldVocabulary.plain($0)) }) {
            number += 1
            columns = rejectColumns.map { "\($0)_\(number)" }
        }
        return columns
    }
    var mapping: [ExportField: String] { columns.mapValues { names[$0] } }

    func column(_ field: ExportField) -> Int? { columns[field] }

    /// What is wrong with a header.
    enum Problem: Error, Equatable {
        case repeated(String)
        case twoColumns(ExportField, String, String)
        case noColumn(ExportField)
        case ownerTypeAlone(String)
    }

    init(_ names: [String], vocabulary: FieldVocabulary, _ options: ReadingOptions) throws(Problem) {
        let ownerKind = options.ownerKind
        var columns: [ExportField: Int] = [:]
        var seen: Set<String> = []
        for (index, name) in names.enumerated() {
            let plain = FieldVocabulary.plain(name)
            guard !plain.isEmpty else { continue }
            guard let field = vocabulary.field(named: name) else { continue }
            // Whether a column of keys is used shows when all columns are known.
            let mayBeUnused = field.key != nil && options.fieldNames[field] == nil && options.ownerKey == .id
            guard seen.insert(plain).inserted else {
                if mayBeUnused { continue }
                throw .repeated(name)
            }
            if let first = columns[field] { throw .twoColumns(field, names[first], name) }
            columns[field] = index
        }
        guard columns[.cart] != nil || options.isCrosswalk else { throw .noColumn(.cart) }
        if let owner = columns[.owner], ownerKind == nil, let other = columns[.customer] ?? columns[.account] {
            throw .twoColumns(.owner, names[min(owner, other)], names[max(owner, other)])
        }
        guard let owners = OwnerFields(fields: Set(columns.keys), options) else {
            if let owner = columns[.owner], ownerKind == nil { throw .ownerTypeAlone(names[owner]) }
            throw .noColumn(ownerKind == .account ? .account : .customer)
        }
        self.names = names
        namedCount = (names.lastIndex { !FieldVocabulary.plain($0).isEmpty } ?? 0) + 1
        self.owners = owners
        encodesCarts = options.takesAnyCart
        // What is not used to tell the owner is no field, however it is called.
        let unused = Set(ExportField.ownerKeys).subtracting(owners.keys)
            .union(owners.ids == nil ? [.customer, .account, .owner, .ownerType] : [])
        self.columns = columns.filter { !unused.contains($0.key) }
    }
}
