import CartAssociations
import ExportFiles

/// What may be keys of owners, and names of carts, in parts of exports that were not understood, and what it stands for.
struct KeysInDoubt {
    /// What the keys and names stand for, but for those of usable records.
    var (owners, carts) = (OwnerKeyTable(), OwnerKeyTable())
    /// Why keys cannot be told from other words; nil if they can.
    private(set) var everything: String?

    /// The kinds of keys that are no ids, which words show by themselves.
    private let fields: [OwnerKeyField]
    private let hasCarts: Bool
    /// How many characters any key has that can stand beside one, at most.
    private let separators: Int
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
