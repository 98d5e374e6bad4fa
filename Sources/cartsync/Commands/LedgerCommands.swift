import ArgumentParser
import CallPacing
import CartAssociations
import Ledger
import SyncEngine
import SyncReporting

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Carry the ledger to a file and back, or make a new one in place of a lost one.",
        discussion: """
            The ledger is in the state folder. These commands need no credentials and make no call, except restore, and
            rebuild where it is told to ask the store.

            EXAMPLE
              cartsync ledger export --out ledger.csv
              cartsync ledger import ledger.csv
              cartsync ledger backup ledger.backup
              cartsync ledger restore ledger.backup
              cartsync ledger rebuild --listing
            """,
        subcommands: [
            LedgerExportCommand.self, LedgerImportCommand.self, LedgerBackupCommand.self, LedgerRestoreCommand.self,
            LedgerRebuildCommand.self,
        ])
}

struct LedgerExportCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write every association of the ledger as CSV, with what is known of it.",
        discussion: """
            With --out there is also FILE.manifest.json, with the number of records and the digest. The file can be
            given to ledger import, and to check, plan, sync and import as an export.

            EXAMPLE
              cartsync ledger export --out ledger.csv
              cartsync ledger export | gzip > ledger.csv.gz
            """)

    @Option(help: ArgumentHelp("The file to write; standard output where it is not given.", valueName: "file"))
    var out: String?
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func validate() throws {
        if output.output == .json && out == nil {
            throw ValidationError("--output json tells what was written to --out; standard output holds the CSV")
        }
    }

    func work() throws -> Ending? {
        try LedgerAccess.with(Invocation(self)) { ledger in
            let written = try LedgerFile.write(ledger, to: out)
            if let out {
                output.output.show(written) { _ in
                    let path = TerminalText.printable(out)
                    return
                        "\(written.associations) associations of \(written.store)\n  \(path)\n  \(path).manifest.json"
                }
            }
            return Ending(status: .done, summary: "associations: \(written.associations)")
        }
    }
}

struct LedgerImportCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Add the associations of a ledger export to the ledger.",
        discussion: """
            Sources that assert an association are added to those that assert it already. A file that is cut, or has a
            single wrong record, is refused as a whole. Where there is no ledger one is made, which needs api.base-url
            and api.client-id to say whose it is.

            EXAMPLE
              cartsync ledger import ledger.csv
              gzip -dc ledger.csv.gz | cartsync ledger import --state ./new-state -
            """)

    @Argument(
        help: ArgumentHelp("What ledger export wrote, gzipped or not; - reads standard input.", valueName: "file"))
    var file: String
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let loaded = try Invocation(self).load()
        if let ending = try await HandOver.toService(loaded, files: [file]) { return ending }
        let added: LedgerFile.Added
        if let handed = Handed.current {
            added = try await handed.inTurn { ledger in try LedgerAccess.endings { try add(to: ledger) } }
        } else {
            added = try LedgerAccess.with(loaded.settings, makesLedger: true, add)
        }
        output.output.show(added) { _ in added.text }
        return Ending(
            status: .done, summary: Count.text(added.records, "record"),
            next: "\(TypedCommand(name: "").another("plan", ["EXPORT"])), to see what the next sync would do")
    }

    private func add(to ledger: Ledger) throws -> LedgerFile.Added {
        try LedgerFile.add(file, to: ledger, time: .system)
    }
}

extension LedgerFile.Added {
    fileprivate var text: String {
        """
        \(Count.text(records, "record")) into the ledger of \(store)
          added    \(Count.text(counts.added))
          changed  \(Count.text(counts.changed))
          kept     \(Count.text(counts.kept))
          run      \(run)
        """
    }
}
