import CartAssociations
import ExportFiles

/// What the keys of a run's exports stand for, and their carts if a crosswalk has them, as the readers of the exports ask
/// for it.
final class KnownOwners: OwnerResolver {
    private let table: OwnerKeyTable
    private let form: OwnerKeyForm
    /// What carts were called; nil if no crosswalk says so.
    private let carts: OwnerKeyTable?
    private let doubts: KeysInDoubt

    init(_ table: OwnerKeyTable, _ form: OwnerKeyForm, carts: OwnerKeyTable?, _ doubts: KeysInDoubt) {
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
        if let reason = doubts.everything { return unknown(reason) }
        var id: [UInt8] = []
        func name(_ table: OwnerKeyTable, _ key: Fingerprint) throws -> Bool {
            guard let position = table.position(of: key) else { return true }
            id.removeAll(keepingCapacity: true)
            switch table.meaning(of: position, into: &id) {
            case .owner, .former: try visit(id.span)
            case .several:
                // A record that is rejected for this alone has its other identifier whole.
                if part.reason.code == .ambiguousOwner || part.reason.code == .ambiguousCart { return true }
                unknown("a word of it stands for several")
                return false
            case .nobody: break
            }
            return true
        }
        try doubts.forEachKey(in: part, form) {
            try name(table, $0)
        } cart: { key in
            try carts.map { try name($0, key) } ?? true
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

/// Where keys are looked for in parts of exports that were not understood.
struct KeysInDoubt {
    /// The kinds of keys that are no ids, which words show by themselves.
    private let fields: [OwnerKeyField]
    private let hasCarts: Bool
    /// How many characters any key has that can stand beside one, at most.
    private(set) var separators: Int
    /// Why keys cannot be told from other words; nil if they can.
    private(set) var everything: String?
    private var visited = 0

    /// More runs of words are not looked at: 16 bytes each are held in memory.
    private static let most = 2_000_000
    /// Characters that are not taken for ones that stand beside a value.
    private static let within: Set<Character> = [".", "-", "_", "@", "+"]

    init(_ fields: [OwnerKeyField], hasCarts: Bool, separators: Int) {
        self.fields = fields.filter { $0.key != .id }
        self.hasCarts = hasCarts
        self.separators = separators
    }

    /// Notes what may be keys of owners and names of carts in a part.
    ///
    /// - Parameter delimiter: the character between the fields of the part's export.
    mutating func note(
        _ part: DoubtfulPart, delimiter: Character?, _ form: OwnerKeyForm,
        owner: (Fingerprint) -> Void, cart: (Fingerprint) -> Void
    ) {
        guard everything == nil, !fields.isEmpty || hasCarts else { return }
        if let delimiter, Self.within.contains(delimiter) {
            everything = "its fields are divided by \"\(delimiter)\", which keys have too"
            return
        }
        var left = Self.most - visited
        forEachKey(in: part, form) { key in
            owner(key)
            left -= 1
            return left > 0
        } cart: { key in
            cart(key)
            left -= 1
            return left > 0
        }
        visited = Self.most - left
        if left <= 0 { everything = "too much was not understood to look for keys in it" }
    }

    /// Visits the fingerprints of what may be keys of owners, and names of carts, until either visitor returns false.
    func forEachKey(
        in part: DoubtfulPart, _ form: OwnerKeyForm, owner: (Fingerprint) throws -> Bool,
        cart: (Fingerprint) throws -> Bool
    ) rethrows {
        guard !fields.isEmpty || hasCarts else { return }
        try DoubtfulValues(separators: separators).forEach(in: part.text.span) { value in
            let isEmail = value.indices.contains { value[$0] == UInt8(ascii: "@") }
            for field in fields where isEmail || !field.key.isEmail {
                guard try owner(form.fingerprint(field, value)) else { return false }
            }
            return try !hasCarts || cart(form.key.fingerprint(cart: value))
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
