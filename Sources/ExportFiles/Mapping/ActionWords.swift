import CartAssociations

/// The words of an action column.
struct ActionWords: Sendable, Equatable {
    static let create = [
        "create", "add", "insert", "upsert", "update", "link", "associate", "assign", "attach", "set", "new", "i", "u",
        "c",
    ]
    static let delete = [
        "delete", "remove", "unlink", "dissociate", "disassociate", "unassign", "detach", "drop", "del", "d",
    ]

    private static let usual: [String: ChangeKind] = {
        var kinds: [String: ChangeKind] = [:]
        for word in create { for form in forms(word) { kinds[form] = .create } }
        for word in delete { for form in forms(word) { kinds[form] = .delete } }
        return kinds
    }()

    /// A word and its past: `create` `created`, `add` `added`, `drop` `dropped`.
    private static func forms(_ word: String) -> [String] {
        if ["set", "new", "del"].contains(word) || word.count == 1 { return [word] }
        if word == "drop" { return [word, "dropped"] }
        return [word, word.hasSuffix("e") ? word + "d" : word + "ed"]
    }

    private let kinds: [String: ChangeKind]

    /// - Parameter others: further words, which win over the usual meaning of the same word.
    init(_ others: [String: ChangeKind] = [:]) {
        kinds = Self.usual.merging(others.map { ($0.key.lowercased(), $0.value) }) { $1 }
    }

    /// Which words an unknown one may be replaced by.
    var advice: String {
        "create (or \(Self.create.dropFirst().joined(separator: ", "))) or delete (or "
            + "\(Self.delete.dropFirst().joined(separator: ", "))); the setting export.actions gives others a meaning"
    }

    /// The change that a word asks for, without regard to case; nil for any other word.
    func kind(_ word: Span<UInt8>) -> ChangeKind? {
        guard !word.isEmpty, word.count <= 64 else { return nil }
        return kinds[String(decodingBytesOf: word).lowercased()]
    }
}
