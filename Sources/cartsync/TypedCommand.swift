import CartAssociations

/// The command as it was typed, to be typed again with a change.
struct TypedCommand: Sendable {
    /// The subcommand, for instance `sync`.
    let name: String
    /// All words after the program's name.
    var words = Handed.current?.words ?? Array(CommandLine.arguments.dropFirst())

    /// The command of this process, ready for a shell.
    static var asTyped: String { TypedCommand(name: "").again() }

    /// The command ready for a shell, as another subcommand or with other flags in the place of those it had.
    ///
    /// Flags that the other subcommand lacks, or that have other values there, are left out.
    ///
    /// - Parameter more: further flags that are left out.
    func again(as newName: String? = nil, adding flags: String? = nil, without more: [String] = []) -> String {
        var words = words
        guard let start = words.firstIndex(of: name) else { return Self.line(words.isEmpty ? [name] : words) }
        // The command that this one is a subcommand of.
        let group = start > 0 && !words[start - 1].hasPrefix("-") ? words[start - 1] : nil
        let known = newName == nil && flags == nil ? [:] : Self.flags(of: name, in: group)
        let added = flags.map { $0.split(separator: " ").map(String.init) } ?? []
        var dropped = added.filter { $0.hasPrefix("--") } + more
        if let newName {
            let others = Self.flags(of: newName)
            dropped += known.filter { !(others[$0.key]?.takesAll(of: $0.value) ?? false) }.keys
        }
        for flag in dropped {
            while let index = words.firstIndex(where: { $0 == flag || $0.hasPrefix(flag + "=") }) {
                let hasValue = words[index] == flag && known[flag]?.isSwitch == false
                words.removeSubrange(index...(hasValue ? min(index + 1, words.count - 1) : index))
            }
        }
        words[start] = newName ?? name
        words.insert(contentsOf: added, at: start + 1)
        if newName != nil, group != nil { words.remove(at: start - 1) }
        return Self.line(words)
    }

    private static func line(_ words: [String]) -> String {
        "cartsync " + words.map(ShellWord.quoted).joined(separator: " ")
    }

    /// The flags of a command, by their names with dashes.
    private static func flags(of command: String, in group: String? = nil) -> [String: CommandDescription.Argument] {
        func named(_ description: CommandDescription) -> CommandDescription? {
            let isMeant =
                description.commandName == command && (group == nil || description.superCommands?.last == group)
            return isMeant ? description : description.commands.lazy.compactMap(named).first
        }
        let arguments = (try? CommandDescription.ofProgram()).flatMap(named)?.shownArguments ?? []
        let named = arguments.flatMap { argument in (argument.names ?? []).map { ($0.text, argument) } }
        return Dictionary(named) { first, _ in first }
    }

    /// Flags with a value that a command about the same store and state needs too.
    private static let carried = Set(
        ["--config"]
            + Setting.all.filter { setting in
                setting.flag?.value != nil && ["api.", "state.", "rate."].contains { setting.key.hasPrefix($0) }
            }.map { "--\($0.flagName)" })

    /// The command of `cartsync runs` that does something with a run that this one stopped or named.
    func next(_ run: String, verb: String = "resume") -> String {
        (nextWords(verb) + [run]).map(ShellWord.quoted).joined(separator: " ")
    }

    /// The words of that command before the run.
    func nextWords(_ verb: String) -> [String] { ["cartsync", "runs", verb] + carriedFlags }

    /// The command that imports a file for the same store and state.
    func importing(_ path: String) -> String {
        (["cartsync", "import"] + carriedFlags + [path]).map(ShellWord.quoted).joined(separator: " ")
    }

    private var carriedFlags: [String] {
        var flags: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            let name = String(word.prefix { $0 != "=" })
            guard Self.carried.contains(name) else { continue }
            flags.append(word)
            if name == word, let value = rest.popFirst() { flags.append(value) }
        }
        return flags
    }
}

extension CommandDescription.Argument {
    fileprivate var isSwitch: Bool { kind == "flag" }

    /// Whether every value of another argument of this name is one of this one's.
    fileprivate func takesAll(of other: Self) -> Bool {
        isSwitch == other.isSwitch && Set(other.allValues ?? []).isSubset(of: allValues ?? other.allValues ?? [])
    }
}
