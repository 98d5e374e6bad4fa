import ArgumentParser
import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import SyncService

struct LedgerBackupCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write the ledger into one file, as it is at this moment; also while a service works on it.",
        discussion: """
            By SQLite's online backup: the service neither waits nor fails. Keep the file as secret as the state folder: it \
            says who has which cart. ledger restore puts it back.

            EXAMPLE
              cartsync ledger backup ledger.backup
            """)

    private struct Written: Encodable {
        let file: String
        let bytes: Int
        let associations: Int
        let store: String
    }

    @Argument(help: ArgumentHelp("The file to write, in place of one that is there.", valueName: "file")) var file:
        String
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func work() throws -> Ending? {
        try LedgerAccess.with(Invocation(self)) { ledger in
            let written = Written(
                file: file, bytes: try ledger.backup(to: file), associations: try ledger.associationCount(),
                store: ledger.store.baseURL)
            output.output.show(written) { _ in
                "\(Count.text(written.associations, "association")) of \(written.store)\n  \(TerminalText.printable(file)), "
                    + "\(Count.text(written.bytes, "byte"))"
            }
            return Ending(status: .done, summary: "associations: \(written.associations)")
        }
    }
}

struct LedgerRestoreCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of the ledger, and mark what happened since as unknown.",
        discussion: """
            Nothing counts as existing until the store has listed it, which is asked at once where there are credentials; \
            runs that were stopped are void. Which exports were applied since the backup is taken from the old ledger if \
            that can be read; if not, the next snapshot of each source deletes nothing of what the backup has as its own. The old files are kept in a folder of their own. No service may work on the folder meanwhile.

            EXAMPLE
              cartsync ledger restore ledger.backup
            """)

    @Argument(help: ArgumentHelp("What ledger backup wrote.", valueName: "file")) var file: String
    @Flag(help: "Do not ask the store what exists.") var noListing = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let loaded = try Invocation(self).load()
        guard !ControlSocket.isServed(loaded.settings.stateFolder) else {
            throw Ending(
                status: .stoppedEarly,
                details:
                    "cartsync: a service works with the ledger in \(loaded.settings.stateFolder), and another cannot "
                    + "take its place meanwhile",
                summary: "nothing was done", next: "stop the service, then \(TypedCommand.asTyped)")
        }
        do {
            let restored = try await restore(loaded.settings)
            output.output.show(restored) { _ in restored.text }
            return Ending(
                status: .done, summary: "associations: \(restored.associations)",
                next: "\(TypedCommand(name: "").another("plan", ["EXPORT"])), to see what the next sync would do")
        } catch let failure as RunFailure {
            throw Ending(failure)
        }
    }

    private func restore(_ settings: Settings) async throws -> Restored {
        let restore = try LedgerRestore(
            folder: settings.stateFolder, backup: file, store: try LedgerAccess.store(settings),
            source: settings.source,
            time: .system)
        do {
            await list(into: restore, settings)
            return try restore.finish()
        } catch {
            restore.abandon()
            throw error
        }
    }

    /// Asks the store what exists, if it can be asked; otherwise the next sync does.
    private func list(into restore: LedgerRestore, _ settings: Settings) async {
        guard !noListing, settings.authentication == .clientCredentials, let access = try? StoreAccess(settings),
            let options = try? APIOptions.checked(access, settings)
        else { return }
        let client = CommerceClient(
            options: options,
            pacer: Pacer(limit: settings.rate, isAdaptive: settings.adaptiveRate, time: .system), logger: .forProgram())
        do {
            try await restore.addListing(client)
        } catch {
            Terminal.message("cartsync: warning: the store did not say what exists, so that it stays unknown: \(error)")
        }
        try? await client.shutdown()
    }
}

extension Restored {
    fileprivate var text: String {
        var lines = ["The ledger of \(store) is restored: \(Count.text(associations, "association"))."]
        lines.append(
            listed.map { "  exist      \(Count.text($0, "association")), as the store lists them" }
                ?? "  exist      not known: the next sync that has a listing finds out")
        lines.append("  run        \(run)")
        if kept.runs + kept.seen > 0 || kept.problem == nil {
            lines.append(
                "  since      \(Count.text(kept.runs, "run")) of the old ledger applied exports, which is kept")
        }
        if let letGo, letGo > 0 {
            lines.append(
                "  let go     \(Count.text(letGo, "association")) since, by the old ledger: no longer the source's own")
        }
        if let asserted, asserted > 0 {
            lines.append("  asserted   \(Count.text(asserted, "association")) since, by the old ledger, which is kept")
        }
        if letGo == nil {
            lines.append(
                "  asserted   not known: deletes are withheld until every other source was synced again")
            lines.append(
                "  let go     not known: what the next snapshot of a source does not name is no longer its own, and stays"
            )
        }
        if let problem = kept.problem {
            lines.append("  not kept   which exports were applied since the backup: \(problem)")
        }
        if let oldFiles { lines.append("  old files  \(oldFiles)") }
        return lines.map(TerminalText.printable).joined(separator: "\n")
    }
}
