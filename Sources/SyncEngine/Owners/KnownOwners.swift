import CartAssociations
import ExportFiles

/// What the keys of a run's exports stand for, and their carts if a crosswalk has them, as the readers of the exports ask
/// for it.
final class KnownOwners: OwnerResolver {
    private let table: OwnerKeyTable
    private let form: OwnerKeyForm
    /// What carts were called; nil if no crosswalk says so.
    private let carts: OwnerKeyTable?
    /// What parts that are not understood may name; nil before they are looked at, and if every record is usable.
    private let doubts: KeysInDoubt?

    init(_ table: OwnerKeyTable, _ form: OwnerKeyForm, carts: OwnerKeyTable?, _ doubts: KeysInDoubt? = nil) {
        self.table = table
        self.form = form
        self.carts = carts
        self.doubts = doubts
    }

    func resolve(_ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution {
        guard let position = table.position(of: form.fingerprint(field, key)) else { return .unknown }
        return table.resolve(position, into: &text)
    }

    var knowsCarts: Bool { carts != nil }

    func resolve(cart name: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution {
        guard let carts, let position = carts.position(of: form.key.fingerprint(cart: name)) else { return .unknown }
        return carts.resolve(position, into: &text)
    }

    /// What a key stands for, and its position among all keys; the id is put behind the text.
    func meaning(
        _ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]
    ) -> (position: Int, OwnerKeyTable.Meaning)? {
        table.position(of: form.fingerprint(field, key)).map { ($0, table.meaning(of: $0, into: &text)) }
    }

    /// The number of keys, of usable records or in doubt.
    var count: Int { table.positions.count }

    /// Visits the ids of owners and carts that a part which was not understood may name in other words.
    ///
    /// - Parameter unknown: is told why the part may be about any owner.
    func forEachName(
        in part: DoubtfulPart, _ visit: (Span<UInt8>) throws -> Void, unknown: (String) -> Void
    ) throws {
        guard let doubts else { return unknown("keys were not looked for in it") }
        if let reason = doubts.everything { return unknown(reason) }
        var id: [UInt8] = []
        func name(_ tables: [OwnerKeyTable], _ key: Fingerprint) throws -> Bool {
            for table in tables {
                guard let position = table.position(of: key) else { continue }
                id.removeAll(keepingCapacity: true)
                switch table.meaning(of: position, into: &id) {
                case .owner, .former:
                    try visit(id.span)
                    return true
                case .several:
                    // A record that is rejected for this alone has its other identifier whole.
                    if part.reason.code == .ambiguousOwner || part.reason.code == .ambiguousCart { return true }
                    unknown("a word of it stands for several")
                    return false
                case .nobody: break
                }
            }
            return true
        }
        let owners = [table, doubts.owners]
        let carts = carts.map { [$0, doubts.carts] } ?? []
        try doubts.forEachKey(in: part, form) {
            try name(owners, $0)
        } cart: {
            try name(carts, $0)
        }
    }
}

extension OwnerKeyTable {
    /// What a key stands for now; the id is put behind the text.
    fileprivate func resolve(_ position: Int, into text: inout [UInt8]) -> OwnerResolution {
        let start = text.count
        switch meaning(of: position, into: &text) {
        case .owner: return .found
        case .several(let count): return .ambiguous(count)
        case .former:
            text.removeLast(text.count - start)
            return .unknown
        case .nobody: return .unknown
        }
    }
}

/// How keys are compared.
struct OwnerKeyForm: Sendable {
    let key: FingerprintKey
    /// Whether the store takes e-mails that differ in the case of letters for one.
    var foldsCase: Bool

    /// The fingerprint of a key, the same for all ways to write it that the store takes for one.
    func fingerprint(_ field: OwnerKeyField, _ text: Span<UInt8>) -> Fingerprint {
        guard foldsCase, field.key.isEmail, Self.mayChange(text) else { return key.fingerprint(field, key: text) }
        let folded = Array(String(decodingBytesOf: text).lowercased().utf8)
        return key.fingerprint(field, key: folded.span)
    }

    func fingerprint(_ field: OwnerKeyField, _ text: String) -> Fingerprint {
        let bytes = Array(text.utf8)
        return fingerprint(field, bytes.span)
    }

    private static func mayChange(_ text: Span<UInt8>) -> Bool {
        for index in text.indices where text[index] >= 0x80 || (0x41...0x5A).contains(text[index]) { return true }
        return false
    }
}
