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
        for definition in SettingDefinition.all {
            #expect(page.contains("\\fB\(ManualPage.escaped(definition.key))\\fR"))
            #expect(page.contains(definition.variable))
        }
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
