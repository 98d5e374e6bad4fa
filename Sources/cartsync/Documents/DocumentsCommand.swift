import ArgumentParser
import CartAssociations
import Foundation
import SyncEngine

/// Writes what a package or an installation has beside the program; not a command for its users.
struct DocumentsCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "documents",
        abstract: "Write manual pages, completions and the guide of the settings into a folder.",
        shouldDisplay: false)

    @Argument(help: ArgumentHelp("Folder that is made where it is missing.", valueName: "folder"))
    var folder: String

    func work() throws -> Ending? {
        var files = ["Settings.md": SettingsDocument.markdown, "man5/cartsync.yaml.5": ManualPage.settings().text]
        func add(_ command: CommandDescription) {
            files["man1/\(command.words.joined(separator: "-")).1"] = ManualPage(command).text
            command.commands.forEach(add)
        }
        add(try CommandDescription.ofProgram())
        for (name, shell) in [("cartsync", CompletionShell.bash), ("_cartsync", .zsh), ("cartsync.fish", .fish)] {
            files["completions/" + name] = Cartsync.completionScript(for: shell)
        }
        do {
            for (name, text) in files {
                let file = URL(filePath: folder).appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            }
        } catch {
            throw Ending(
                status: .stateUnwritable, details: "cartsync: \(folder): the documents cannot be written: \(error)",
                next: "cartsync documents FOLDER")
        }
        return Ending(status: .done, summary: "\(files.count) files in \(folder)")
    }
}
