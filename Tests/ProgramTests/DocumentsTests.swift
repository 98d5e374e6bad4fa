import ArgumentParser
import CartAssociations
import Foundation
import SyncEngine
import TestSupport
import Testing

@testable import cartsync

@Suite("documents")
struct DocumentsTests {
    private func all(_ command: CommandDescription) -> [CommandDescription] {
        [command] + command.commands.flatMap(all)
    }

    @Test("each command has a page with all its options, its example and how it ends")
    func pages() throws {
        let commands = all(try CommandDescription.ofProgram())
        #expect(commands.count > 15)
        #expect(!commands.contains { $0.commandName == "documents" })
        for command in commands {
            let page = ManualPage(command).text
            for argument in command.shownArguments {
                #expect(page.contains("\\fB\(ManualPage.escaped(argument.term))\\fR"), "\(argument.term)")
            }
            for line in command.example { #expect(page.contains(ManualPage.escaped(line)), "\(line)") }
            for status in ExitStatus.allCases { #expect(page.contains("\\fB\(status.rawValue)\\fR")) }
        }
    }

    @Test("the page of the settings has every setting")
    func settingsPage() {
        let page = ManualPage.settings().text
        for setting in Setting.all {
            #expect(page.contains("\\fB\(ManualPage.escaped(setting.key))\\fR"))
            #expect(page.contains(setting.variable))
        }
    }

    @Test("each flag of a setting is a flag of a command, and says there what the setting says")
    func flagsOfSettings() throws {
        let arguments = all(try CommandDescription.ofProgram()).flatMap(\.shownArguments)
        for setting in Setting.all {
            guard let flag = setting.flag else { continue }
            let found = arguments.filter { $0.names?.contains { $0.name == flag.name } == true }
            #expect(!found.isEmpty, "--\(flag.name)")
            #expect(found.contains { $0.abstract?.hasPrefix(flag.help) == true }, "--\(flag.name)")
            #expect(found.allSatisfy { ($0.kind == "flag") == (flag.value == nil) }, "--\(flag.name)")
        }
    }

    @Test("a flag that is given is the text of its setting")
    func givenFlags() throws {
        let flags = try ReadingFlags.parse(["--owner", "account", "--xml-record", "row", "--create-carts"])
        #expect(
            flags.values == ["sync.owner": "account", "mapping.xml.record": "row", "sync.create-carts": "true"])
        let store = try StoreFlags.parse(["--base-url", "https://store.example", "--rate", "5", "--read-only"])
        #expect(
            store.values == ["api.base-url": "https://store.example", "rate.limit": "5", "api.read-only": "true"])
        #expect(try ReportFlags.parse(["--slo", "a", "--slo", "b"]).values == ["report.slo": "a,b"])
        #expect(try GuardFlags.parse(["--allow-empty"]).values.isEmpty)
    }

    @Test("nothing in a text is a request to the formatter")
    func escaping() {
        #expect(ManualPage.escaped(".TH\n'x\na-b \\fB") == "\\&.TH\n\\&'x\na\\-b \\efB")
    }

    @Test("the guide of the settings is as the code has it: make documents")
    func settingsGuide() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/cartsync/Documentation.docc/Settings.md")
        #expect(try String(contentsOf: sources, encoding: .utf8) == SettingsDocument.markdown)
    }
}
