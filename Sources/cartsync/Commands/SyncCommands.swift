import ArgumentParser
import CartAssociations

private let exportsHelp = ArgumentHelp(
    "CSV or XML exports, gzipped or not; together they are one snapshot. - reads standard input.",
    valueName: "export")

struct SyncCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Compare exports with the store and apply: creates, and deletes within --deletes.",
        discussion: """
            Shows the plan first. On a terminal it asks before the first write; elsewhere it needs --yes.

            EXAMPLE
              cartsync sync customers.csv accounts.xml
              cartsync sync --yes --rate 50 --max-deletes 412 customers.csv
            """)

    @Argument(help: exportsHelp) var exports: [String]
    @Flag(help: "Apply without asking, within the guards.") var yes = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var comparing: ComparingFlags
    @OptionGroup var guards: GuardFlags
    @OptionGroup var doubt: DoubtFlag
    @OptionGroup var deletes: DeletesFlag
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var timing: RunFlags
    @OptionGroup var report: ReportFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        return try await OneRun(
            invocation: Invocation(self, exports: exports), exports: exports, output: output.output,
            allowEmpty: guards.allowEmpty, allowedDoubtfulDeletes: doubt.maxDoubtfulDeletes,
            approval: yes ? .given : .asked
        ).run()
    }
}

struct ImportCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Creates only; the same as sync --deletes none, as a source of its own.",
        discussion: """
            A file of records that a run has rejected is imported for the source of that run, and read as its export was: what
            stands beside it says how.

            EXAMPLE
              cartsync import spring-campaign.csv
            """)

    @Argument(help: exportsHelp) var exports: [String]
    @Flag(help: "Apply without asking, within the guards.") var yes = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var comparing: ComparingFlags
    @OptionGroup var guards: GuardFlags
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var timing: RunFlags
    @OptionGroup var report: ReportFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(
            self, giving: ["sync.deletes": DeletionScope.none.rawValue], exports: exports)
        return try await OneRun(
            invocation: invocation, exports: exports, output: output.output,
            allowEmpty: guards.allowEmpty, approval: yes ? .given : .asked, usualSource: "import"
        ).run()
    }
}

struct PlanCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what sync would do; write nothing.",
        discussion: """
            EXAMPLE
              cartsync plan customers.csv
              cartsync plan --out night.plan customers.csv && cartsync apply night.plan
              cartsync plan --detailed-exitcode --output csv customers.csv > changes.csv
            """)

    @Argument(help: exportsHelp) var exports: [String]
    @Flag(help: "Exit with 2 where there are changes.") var detailedExitcode = false
    @Option(
        help: ArgumentHelp("Save the plan, to be applied with cartsync apply within 24 hours.", valueName: "file"))
    var out: String?
    @Option(
        help: ArgumentHelp(
            "List the associations outside the scope of deletes, as a CSV export of their own.", valueName: "file"))
    var unmanaged: String?
    @Option(help: "The plan as text, json or markdown with a sample of each kind, or as csv with every change.")
    var output: PlanFormat = .text
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var comparing: ComparingFlags
    @OptionGroup var guards: GuardFlags
    @OptionGroup var doubt: DoubtFlag
    @OptionGroup var deletes: DeletesFlag
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var timing: RunFlags

    func work() async throws -> Ending? {
        let only = PlanOnly(
            format: output, out: out, unmanaged: unmanaged, hasDetailedStatus: detailedExitcode)
        return try await OneRun(
            invocation: Invocation(self, exports: exports), exports: exports, output: .text,
            allowEmpty: guards.allowEmpty, allowedDoubtfulDeletes: doubt.maxDoubtfulDeletes,
            approval: .never(only)
        ).run()
    }
}
