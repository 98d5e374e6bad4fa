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

struct LedgerRebuildCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Make a new ledger in the place of one that is damaged, gone or replaced.",
        discussion: """
            From what is left: --listing asks the store what exists, and refuses a listing that is not complete;
            EXPORTs are what --source asserts, and with --applied all of it exists; --results takes the results.csv of
            runs, in their order. The old files are kept in a folder of their own. A listing alone asserts nothing, so
            the next sync deletes nothing; after exports it may delete what they have and its own export lacks.
            Which exports were applied is taken from the old ledger if that can be read, so that serve applies none
            again; the output says so, and what to do if not.

            EXAMPLE
              cartsync ledger rebuild --listing
              cartsync ledger rebuild --source nightly --applied customers.csv
              cartsync ledger rebuild --source nightly --results state/runs/*/results.csv
            """)

    @Argument(help: ArgumentHelp("Full exports, or with --results the results.csv of runs.", valueName: "file"))
    var files: [String] = []
    @Flag(help: "Ask the store what exists.") var listing = false
    @Flag(help: "The files are results.csv of runs, the oldest first.") var results = false
    @Flag(help: "Everything in the exports exists in the store, too.") var applied = false
    @Option(help: ArgumentHelp("The source that asserts what the files say (default).", valueName: "name"))
    var source: String?
    @Flag(help: "Replace a ledger in which no damage was found, too.") var yes = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var output: OutputFlags

    func validate() throws {
        guard listing || !files.isEmpty else {
            throw ValidationError(
                "say what to rebuild it from: --listing, exports, or --results with results.csv files")
        }
        guard !results || (!listing && !applied && !files.isEmpty) else {
            throw ValidationError("--results takes results.csv files and goes with neither --listing nor --applied")
        }
        guard !applied || !files.isEmpty else { throw ValidationError("--applied is about exports, and none is given") }
    }

    func work() async throws -> Ending? {
        let invocation = Invocation(self, giving: source.map { ["sync.source": $0] } ?? [:])
        let loaded = try invocation.load()
        guard !ControlSocket.isServed(loaded.settings.stateFolder) else {
            throw Ending(
                status: .stoppedEarly,
                details:
                    "cartsync: a service works with the ledger in \(loaded.settings.stateFolder), and another cannot "
                    + "take its place meanwhile",
                summary: "nothing was done", next: "stop the service, then \(TypedCommand.asTyped)")
        }
        do {
            try refuseSoundLedger(loaded.settings)
            let rebuilt = try await rebuild(loaded.settings)
            output.output.show(rebuilt) { _ in rebuilt.text }
            return Ending(
                status: .done, summary: "associations: \(rebuilt.associations)",
                next: "\(TypedCommand(name: "").another("plan", ["EXPORT"])), to see what the next sync would do")
        } catch let failure as RunFailure {
            guard case .incompleteListing = failure else { throw Ending(failure) }
            throw Ending(
                status: .refused, details: "cartsync: \(failure)",
                next:
                    "give the last exports of each source instead of --listing: cartsync ledger rebuild --source NAME "
                    + "EXPORT")
        } catch let error as LedgerError {
            throw Ending(error)
        }
    }

    private func rebuild(_ settings: Settings) async throws -> Rebuilt {
        guard let store = try LedgerAccess.store(settings) else { throw LedgerAccess.noStore }
        let access = listing ? try StoreAccess(settings) : nil
        let rebuild = try LedgerRebuild(
            folder: settings.stateFolder, store: store, source: settings.source, time: .system)
        do {
            if let access { try await list(into: rebuild, access, settings) }
            if results {
                try rebuild.addResults(files)
            } else if !files.isEmpty {
                try rebuild.addExports(files, reading: settings.reading, isApplied: applied)
            }
            return try rebuild.finish()
        } catch {
            rebuild.abandon()
            throw error
        }
    }

    private func list(into rebuild: LedgerRebuild, _ access: StoreAccess, _ settings: Settings) async throws {
        let client = CommerceClient(
            options: try APIOptions.checked(access, settings),
            pacer: Pacer(limit: settings.rate, isAdaptive: settings.adaptiveRate, time: .system), logger: .forProgram())
        do {
            try await rebuild.addListing(client)
        } catch {
            try? await client.shutdown()
            throw error
        }
        try? await client.shutdown()
    }

    /// Throws the `Ending` if a sound ledger would be replaced: it knows more than a listing or exports can tell.
    private func refuseSoundLedger(_ settings: Settings) throws {
        guard !yes else { return }
        let ledger: Ledger
        do {
            ledger = try Ledger.openForReading(
                folder: settings.stateFolder, store: try LedgerAccess.store(settings), now: Date())
        } catch let error as LedgerError where error.kind.isRebuildable {
            return
        }
        defer { try? ledger.close() }
        guard try ledger.check().isEmpty else { return }
        let count = try ledger.associationCount()
        guard try count > 0 || !ledger.runs(limit: 1).isEmpty else { return }
        throw Ending(
            status: .refused,
            details:
                "cartsync: no damage was found in the ledger in \(ledger.folder), which knows \(count) associations "
                + "and what asserts them",
            summary: "the ledger is sound", next: "\(TypedCommand.asTyped) --yes, to replace it nevertheless")
    }
}

extension LedgerError.Kind {
    /// Whether a new ledger is the way out.
    fileprivate var isRebuildable: Bool {
        switch self {
        case .absent, .damaged, .missing: true
        case .locked, .otherStore, .newer, .storage: false
        }
    }
}

extension Rebuilt {
    fileprivate var text: String {
        var lines = [
            "A new ledger of \(store): \(Count.text(associations, "association")), \(Count.text(asserted)) asserted by \(source)."
        ]
        if rejected > 0 { lines.append("  \(Count.text(rejected, "record")) of the exports could not be used") }
        lines.append("  run        \(run)")
        if kept.runs + kept.seen > 0 || kept.problem == nil {
            lines.append(
                "  kept       what \(Count.text(kept.runs, "run")) applied, "
                    + "\(Count.text(kept.seen, "version")) of exports that were seen")
        }
        if let problem = kept.problem {
            lines.append(
                "  not kept   which exports were applied: \(problem). What is still at a source counts as new,")
            lines.append(
                "             and changes would be applied again: before serve starts, move away what was applied")
        }
        if let oldFiles { lines.append("  old files  \(oldFiles)") }
        return lines.map(TerminalText.printable).joined(separator: "\n")
    }
}
