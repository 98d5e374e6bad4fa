import ArgumentParser
import CartAssociations
import SyncEngine
import SyncReporting

struct OwnersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "owners",
        abstract: "Owners that exports name by e-mail, reference or another key.",
        discussion: """
            EXAMPLE
              cartsync owners check --owner-key email quotes.csv
            """,
        subcommands: [CheckOwnersCommand.self])
}

struct CheckOwnersCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Which owners' keys of an export are known, which are not; writes a crosswalk.",
        discussion: """
            Looks each key up in the crosswalk, in what earlier runs have found, and in the store. Writes nothing to the store.

            EXAMPLE
              cartsync owners check --owner-key email quotes.csv
              cartsync owners check --owner-key email --out crosswalk.csv --unknown unknown.csv quotes.csv
              cartsync owners check --offline --crosswalk crosswalk.csv --owner-key email quotes.csv
            """)

    @Argument(help: ArgumentHelp("CSV or XML exports, gzipped or not; - reads standard input.", valueName: "export"))
    var exports: [String]
    @Flag(help: "Ask the crosswalk and the ledger alone, and make no call.") var offline = false
    @Option(help: ArgumentHelp("Write a crosswalk of the keys that were found.", valueName: "file"))
    var out: String?
    @Option(
        help: ArgumentHelp(
            "Write a CSV of the keys that were not found, or stand for several owners.", valueName: "file"))
    var unknown: String?
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var comparing: ComparingFlags
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(self)
        // A plan of that name would take the place of the crosswalk.
        let plan = invocation.typed.again(as: "plan", without: ["--out"])
        return try await OneSession.run(invocation, isRun: false, files: exports) { session in
            let check = OwnersCheck(session.newRun(command: "owners check", exports: exports))
            guard let found = try await check.run(asksStore: !offline, found: out, unknown: unknown) else {
                return Ending(
                    status: .done, summary: "the export has owners' ids, and nothing to look up",
                    next: plan)
            }
            output.output.show(found) { _ in
                let asking = offline ? found.asking.map { "the store was not asked: it would be \($0.sentence)" } : []
                return ([found.sentence] + asking).map { $0 + "\n" }.joined()
            }
            let missing = found.unknown + found.ambiguous
            guard missing > 0 else {
                return Ending(status: .done, summary: "all owners are known", next: plan)
            }
            return Ending(
                status: .incomplete, summary: "\(Count.text(missing, "owner is", "owners are")) not known",
                next: unknown.map { "correct them, or give those of \($0) in a crosswalk" }
                    ?? invocation.typed.again(adding: "--unknown unknown.csv"))
        }
    }
}
