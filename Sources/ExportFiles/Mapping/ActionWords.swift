import CartAssociations

/// The words of an action column.
enum ActionWords {
    static let create = ["create", "add", "insert", "upsert", "link", "associate", "attach", "set", "new"]
    static let delete = ["delete", "remove", "unlink", "dissociate", "disassociate", "detach", "drop"]

    private static let kinds: [String: ChangeKind] = {
        var kinds: [String: ChangeKind] = [:]
        for word in create { for form in forms(word) { kinds[form] = .create } }
        for word in delete { for form in forms(word) { kinds[form] = .delete } }
        return kinds
    }()

    /// A word and its past: `create` `created`, `add` `added`, `drop` `dropped`.
    private static func forms(_ word: String) -> [String] {
        if word == "set" || word == "new" { return [word] }
        if word == "drop" { return [word, "dropped"] }
        return [word, word.hasSuffix("e") ? word + "d" : word + "ed"]
    }

    /// The change that a word asks for, without regard to case; nil for any other word.
    static func kind(_ word: Span<UInt8>) -> ChangeKind? {
        guard word.count <= 16 else { return nil }
        var text = ""
        for index in word.indices {
            guard word[index] < 0x80 else { return nil }
            text.unicodeScalars.append(Unicode.Scalar(word[index]))
        }
        return kinds[text.lowercased()]
    }
}
