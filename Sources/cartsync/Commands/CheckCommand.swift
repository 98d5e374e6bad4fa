import ArgumentParser
import CartAssociations
import DurableFiles
import ExportFiles
import Foundation
import SyncEngine
import SyncReporting

struct CheckCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read an export offline: format, mapping, rejected records; no network.",
        discussion: """
            EXAMPLE
              cartsync check customers.csv
              cartsync check --map cart=BASKET_NO --map customer=MEMBER --write-config night.yaml legacy.csv
              zcat customers.csv.gz | cartsync check --owner customer -
            """)

    @Argument(help: ArgumentHelp("CSV or XML exports, gzipped or not; - reads standard input.", valueName: "export"))
    var exports: [String]
    @Option(
        help: ArgumentHelp(
            "Write the settings for these exports there, for --config of other commands.", valueName: "file"))
    var writeConfig: String?
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var output: OutputFlags

    func work() throws -> Ending? {
        let invocation = Invocation(self, exports: exports)
        let loaded = try invocation.load()
        let reader = ExportReader(options: loaded.settings.reading, owners: KeysAsOwners())
        var check = ExportsCheck(
            reader, oneOwnerPerCart: loaded.settings.oneOwnerPerCart,
            spool: FileManager.default.temporaryDirectory.path)
        let found: [CheckedExport]
        do {
            for path in exports { try check.read(path) }
            found = try check.finish()
            if let writeConfig {
                try ExportConfig(of: check.facts, used: loaded.used).write(to: writeConfig)
            }
        } catch let error as ExportError {
            throw Ending(error)
        } catch let error as FileError {
            throw Ending(
                status: .stateUnwritable, details: "cartsync: \(error)", next: invocation.typed.again())
        }
        output.output.show(found) { _ in found.map(\.text).joined(separator: "\n") }
        let rejected = found.reduce(0) { $0 + $1.rejected }
        let records = found.reduce(0) { $0 + $1.records }
        let next =
            writeConfig.map {
                (["cartsync", "plan", "--config", $0] + exports).map(ShellWord.quoted).joined(separator: " ")
            } ?? invocation.typed.again(as: "plan")
        guard rejected > 0 else {
            return Ending(
                status: .done, summary: "\(Count.text(records, "record is", "records are")) usable", next: next)
        }
        return Ending(
            status: .incomplete,
            summary: "\(Count.text(rejected)) of \(Count.text(records, "record")) would be rejected",
            next: "correct them, or \(next)")
    }
}
