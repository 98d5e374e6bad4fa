import ArgumentParser
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
        let known = newName == nil && flags == nil ? [:] : Self.flags(of: [group, name].compactMap(\.self))
        let added = flags.map { $0.split(separator: " ").map(String.init) } ?? []
        var dropped = added.filter { $0.hasPrefix("--") } + more
        if let newName {
            let others = Self.flags(of: [newName])
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
    ///
    /// - Parameter path: the words of the command; of one that is below another command the last word is enough.
    static func flags(of path: [String]) -> [String: CommandDescription.Argument] {
        func named(_ name: String, in command: any ParsableCommand.Type) -> (any ParsableCommand.Type)? {
            let commands = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
            return commands.first { $0._commandName == name } ?? commands.lazy.compactMap { named(name, in: $0) }.first
        }
        let root: (any ParsableCommand.Type)? = Cartsync.self
        let command = path.reduce(root) { command, name in command.flatMap { named(name, in: $0) } }
        // Only this one is described: all of them take longer than anything else that a small command does.
        let description = command.flatMap { try? CommandDescription.of($0) }
        let arguments = description?.shownArguments ?? []
        let named = arguments.flatMap { argument in (argument.names ?? []).map { ($0.text, argument) } }
        return Dictionary(named) { first, _ in first }
    }

    /// Flags with a value that a command about the same store and state needs too.
    static let carried = Set(
        ["--config"]
            + Setting.all.filter { setting in
                setting.flag?.value != nil && ["api.", "state.", "rate."].contains { setting.key.hasPrefix($0) }
            }.map { "--\($0.flagName)" })

    /// The command of `cartsync runs` that does something with a run that this one stopped or named.
    func next(_ run: String, verb: String = "resume") -> String { another("runs \(verb)", [run]) }

    /// Another command about the same store and state, ready for a shell.
    ///
    /// - Parameters:
    ///   - path: its words, for instance `runs show`.
    ///   - arguments: what follows the flags that are carried over.
    func another(_ path: String, _ arguments: [String] = []) -> String {
        let path = path.split(separator: " ").map(String.init)
        return (["cartsync"] + path + carriedFlags(to: path) + arguments).map(ShellWord.quoted).joined(separator: " ")
    }

    /// The words of the command that resumes a run, before the run.
    var resuming: [String] { ["cartsync", "runs", "resume"] + carriedFlags(to: nil) }

    /// The flags about store, state and rate that were typed and that another command takes; nil for one that takes all.
    private func carriedFlags(to path: [String]?) -> [String] {
        let taken = path.map { Set(Self.flags(of: $0).keys) } ?? Self.carried
        var flags: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            let name = String(word.prefix { $0 != "=" })
            guard Self.carried.contains(name), taken.contains(name) else { continue }
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
