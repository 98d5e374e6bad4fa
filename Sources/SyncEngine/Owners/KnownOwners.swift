import CartAssociations
import ExportFiles

/// What the keys of a run's exports stand for, as the readers of the exports ask for it.
final class KnownOwners: OwnerResolver {
    private let table: OwnerKeyTable
    private let form: OwnerKeyForm
    /// The kinds of keys that the exports can have.
    private let fields: [OwnerKeyField]

    init(_ table: OwnerKeyTable, _ form: OwnerKeyForm, _ fields: [OwnerKeyField]) {
        self.table = table
        self.form = form
        self.fields = fields
    }

    func resolve(_ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution {
        guard let position = table.position(of: form.fingerprint(field, key)) else { return .unknown }
        let start = text.count
        switch table.meaning(of: position, into: &text) {
        case .owner: return .found
        case .several(let count): return .ambiguous(count)
        case .former:
            text.removeLast(text.count - start)
            return .unknown
        case .nobody: return .unknown
        }
    }

    /// What a key stands for, and its position among all keys; the id is put behind the text.
    func meaning(
        _ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]
    ) -> (position: Int, OwnerKeyTable.Meaning)? {
        table.position(of: form.fingerprint(field, key)).map { ($0, table.meaning(of: $0, into: &text)) }
    }

    /// The number of keys, of usable records or in doubt.
    var count: Int { table.positions.count }

    /// Visits the ids of the owners that a part which was not understood may be about: each of whom a word of it is a key.
    func forEachOwner(in part: Span<UInt8>, _ visit: (Span<UInt8>) throws -> Void) rethrows {
        var id: [UInt8] = []
        try OwnerKeyWords.forEach(in: part) { word in
            for field in fields {
                guard let position = table.position(of: form.fingerprint(field, word)) else { continue }
                id.removeAll(keepingCapacity: true)
                switch table.meaning(of: position, into: &id) {
                case .owner, .former: try visit(id.span)
                case .several, .nobody: break
                }
            }
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

/// The words of a text among which keys may be.
enum OwnerKeyWords {
    /// Visits each run of characters between blanks, quotes, brackets and the delimiters of exports.
    static func forEach(in text: Span<UInt8>, _ visit: (Span<UInt8>) throws -> Void) rethrows {
        var start = 0
        for at in 0...text.count {
            guard at == text.count || isBetween(text[at]) else { continue }
            if at > start { try visit(text.extracting(start..<at)) }
            start = at + 1
        }
    }

    private static func isBetween(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x22, 0x27, 0x2C, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x7C: true
        default: false
        }
    }
}
