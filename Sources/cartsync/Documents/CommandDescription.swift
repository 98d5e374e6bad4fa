import ArgumentParser
import Foundation

/// A command as ArgumentParser describes it: what its help and its manual page are made of.
struct CommandDescription: Decodable {
    struct Name: Decodable {
        let kind: String
        let name: String

        var text: String { (kind == "long" ? "--" : "-") + name }
    }

    struct Argument: Decodable {
        let kind: String
        let names: [Name]?
        let valueName: String?
        let allValues: [String]?
        let isOptional: Bool
        let isRepeating: Bool
        let shouldDisplay: Bool
        let abstract: String?

        var isPositional: Bool { kind == "positional" }

        /// For instance `--rate n`, or `export...`.
        var term: String {
            let value = valueName ?? "value"
            if isPositional { return value + (isRepeating ? "..." : "") }
            let name = (names ?? []).map(\.text).joined(separator: ", ")
            return kind == "flag" ? name : "\(name) \(value)"
        }

        var meaning: String {
            let values = (allValues ?? []).isEmpty ? "" : " One of \((allValues ?? []).joined(separator: ", "))."
            return (abstract ?? "") + values
        }
    }

    let superCommands: [String]?
    let commandName: String
    let abstract: String?
    let discussion: String?
    let subcommands: [CommandDescription]?
    let arguments: [Argument]?
    let shouldDisplay: Bool

    /// All words before the arguments, for instance `cartsync runs resume`.
    var words: [String] { (superCommands ?? []) + [commandName] }

    /// The subcommands that a person is told of; `help` is every command's own `--help`.
    var commands: [CommandDescription] {
        (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
    }

    /// The arguments that a person is told of.
    var shownArguments: [Argument] { (arguments ?? []).filter(\.shouldDisplay) }

    /// The paragraphs of the discussion, without the example.
    var paragraphs: [String] {
        parts.text.split(separator: "\n\n").map(String.init)
    }

    /// The lines of the example.
    var example: [String] {
        parts.example.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private var parts: (text: Substring, example: Substring) {
        let text = discussion ?? ""
        guard let heading = text.range(of: "EXAMPLE\n") else { return (text[...], "") }
        return (text[..<heading.lowerBound], text[heading.upperBound...])
    }

    /// The program with all its commands. Throws if ArgumentParser's description is not the one known here.
    static func ofProgram() throws -> CommandDescription { try of(Cartsync.self) }

    /// One command, with those below it; without `--version`, which every command takes from the program.
    ///
    /// Throws if ArgumentParser's description is not the one known here.
    static func of(_ command: any ParsableCommand.Type) throws -> CommandDescription {
        struct Dump: Decodable { let command: CommandDescription }
        return try JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8)).command
    }
}
