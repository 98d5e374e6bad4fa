import CartAssociations

/// The command as it was typed, to be typed again with a change.
struct TypedCommand {
    /// The subcommand, for instance `sync`.
    let name: String
    /// All words after the program's name.
    var words = Array(CommandLine.arguments.dropFirst())

    /// The flags without a value that a command may be told to add.
    private static let switches: Set<String> = ["--yes", "--allow-empty", "--detailed-exitcode"]
    /// The flags that only `plan` has, or has with other values.
    private static let planFlags = ["--detailed-exitcode", "--out", "--unmanaged", "--output"]

    /// The command ready for a shell, as another subcommand or with other flags in the place of those it had.
    func again(as newName: String? = nil, adding flags: String? = nil) -> String {
        var words = words
        guard let start = words.firstIndex(of: name) else { return "cartsync \(name)" }
        let added = flags.map { $0.split(separator: " ").map(String.init) } ?? []
        let isNoPlan = newName.map { $0 != "plan" } ?? false
        for flag in added + (isNoPlan ? Self.planFlags : []) where flag.hasPrefix("--") {
            while let index = words.firstIndex(where: { $0 == flag || $0.hasPrefix(flag + "=") }) {
                let hasValue = words[index] == flag && !Self.switches.contains(flag)
                words.removeSubrange(index...(hasValue ? min(index + 1, words.count - 1) : index))
            }
        }
        words[start] = newName ?? name
        words.insert(contentsOf: added, at: start + 1)
        return "cartsync " + words.map(ShellWord.quoted).joined(separator: " ")
    }

    /// Flags with a value that a command about the same store and state needs too.
    private static let carried: Set<String> = ["--config", "--state", "--base-url", "--rate", "--concurrency"]

    /// The command of `cartsync runs` that does something with a run that this one stopped or named.
    func next(_ run: String, verb: String = "resume") -> String {
        (nextWords(verb) + [run]).map(ShellWord.quoted).joined(separator: " ")
    }

    /// The words of that command before the run.
    func nextWords(_ verb: String) -> [String] {
        var flags: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            let name = String(word.prefix { $0 != "=" })
            guard Self.carried.contains(name) else { continue }
            flags.append(word)
            if name == word, let value = rest.popFirst() { flags.append(value) }
        }
        return ["cartsync", "runs", verb] + flags
    }
}
