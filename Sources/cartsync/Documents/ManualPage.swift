import CartAssociations
import SyncEngine

/// A manual page in the macros of man(7).
struct ManualPage {
    private(set) var text: String

    init(title: String, section: Int, summary: String) {
        text = """
            .TH "\(Self.escaped(title.uppercased()))" "\(section)" "" "cartsync \(Version.number)" "cartsync"
            .SH NAME
            \(Self.escaped(title)) \\- \(Self.escaped(summary))

            """
    }

    mutating func section(_ title: String) { text += ".SH \(title)\n" }

    mutating func paragraph(_ paragraph: String) { text += ".PP\n\(Self.escaped(paragraph))\n" }

    mutating func item(_ term: String, _ meaning: String) {
        text += ".TP\n\\fB\(Self.escaped(term))\\fR\n\(Self.escaped(meaning))\n"
    }

    mutating func example(_ lines: [String]) {
        text += ".PP\n.RS 4\n.nf\n" + lines.map { Self.escaped($0) + "\n" }.joined() + ".fi\n.RE\n"
    }

    /// Text whose backslashes, hyphens and leading dots mean nothing to the formatter.
    static func escaped(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let plain = line.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            return plain.first == "." || plain.first == "'" ? "\\&" + plain : String(plain)
        }.joined(separator: "\n")
    }
}

extension ManualPage {
    /// The page of a command, for instance `cartsync-runs-resume`.
    init(_ command: CommandDescription) {
        let words = command.words
        self.init(title: words.joined(separator: "-"), section: 1, summary: Self.phrase(command.abstract ?? ""))
        section("SYNOPSIS")
        synopsis(command)
        if !command.paragraphs.isEmpty {
            section("DESCRIPTION")
            for paragraph in command.paragraphs { self.paragraph(paragraph) }
        }
        let positional = command.shownArguments.filter(\.isPositional)
        if !positional.isEmpty {
            section("ARGUMENTS")
            for argument in positional { item(argument.term, argument.meaning) }
        }
        if !command.commands.isEmpty {
            section("COMMANDS")
            for command in command.commands {
                item(command.words.joined(separator: "-") + "(1)", command.abstract ?? "")
            }
        }
        section("OPTIONS")
        for argument in command.shownArguments where !argument.isPositional { item(argument.term, argument.meaning) }
        if !command.example.isEmpty {
            section("EXAMPLE")
            example(command.example)
        }
        section("EXIT STATUS")
        for status in ExitStatus.allCases { item("\(status.rawValue)", status.words + ".") }
        paragraph("The last line of standard error says the status in words and the next command to type.")
        section("SEE ALSO")
        let others = words.count == 1 ? command.commands.map(\.words) : [Array(words.dropLast())]
        paragraph((others.map { $0.joined(separator: "-") + "(1)" } + ["cartsync.yaml(5)"]).joined(separator: ", "))
    }

    private mutating func synopsis(_ command: CommandDescription) {
        let words = command.words.joined(separator: " ")
        var forms: [String] = []
        if !command.commands.isEmpty { forms.append(words + " command [options]") }
        let values = command.shownArguments.filter(\.isPositional).map { $0.isOptional ? "[\($0.term)]" : $0.term }
        if !values.isEmpty || command.commands.isEmpty {
            forms.append(([words, "[options]"] + values).joined(separator: " "))
        }
        for (number, form) in forms.enumerated() {
            text += (number == 0 ? "" : ".br\n") + "\\fB\(Self.escaped(form))\\fR\n"
        }
    }

    /// The page of the settings file.
    static func settings() -> ManualPage {
        var page = ManualPage(title: "cartsync.yaml", section: 5, summary: "settings of cartsync")
        page.section("DESCRIPTION")
        for paragraph in SettingsDocument.paragraphs { page.paragraph(paragraph.replacing("`", with: "")) }
        page.section("SETTINGS")
        for setting in Setting.all {
            let names = [setting.variable, setting.vendorVariable].compactMap(\.self)
            page.item(
                setting.key,
                "\(SettingsDocument.sentence(setting)) In the environment: \(names.joined(separator: ", ")).")
        }
        page.section("EXAMPLE")
        page.example(SettingsDocument.example)
        page.section("FILES")
        page.item("/etc/cartsync/cartsync.yaml", "Settings of the service.")
        page.item(
            "/etc/cartsync/credentials/", "One file a secret, named like its setting with - in the place of dots.")
        page.item("/var/lib/cartsync/", "State folder of the service: ledger and reports.")
        page.item("/var/spool/cartsync/", "Inbox of the service.")
        page.section("SEE ALSO")
        page.paragraph("cartsync(1), cartsync-serve(1)")
        return page
    }

    /// A sentence as a phrase, as the first line of a page has it.
    private static func phrase(_ sentence: String) -> String {
        let text = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
