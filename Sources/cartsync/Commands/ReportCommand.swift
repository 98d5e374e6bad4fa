import ArgumentParser
import CallPacing
import CartAssociations
import Foundation
import Ledger
import SyncEngine
import SyncReporting

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show the report of a run, or compare two runs.",
        discussion: """
            Reads STATE/runs/RUN, also while a service works on the state folder. Without a run it is the latest.

            EXAMPLE
              cartsync report
              cartsync report 20261121-101500-4f2a --output html > report.html
              cartsync report compare previous latest --fail-over 20%
            """,
        subcommands: [ShowReportCommand.self, CompareReportsCommand.self],
        defaultSubcommand: ShowReportCommand.self)
}

struct ShowReportCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the report of a run as text, json, html, hgrm or hlog.",
        discussion: """
            hgrm is the percentile distribution of one operation, as HdrHistogram's plotter takes it; hlog the \
            HdrHistogram log of all of them.

            EXAMPLE
              cartsync report show latest --output hgrm --operation create
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, html, hgrm, hlog
    }

    @Argument(help: .run("or the path of its folder")) var run = RunName.latest
    @Option(help: "The report as text, json, html, hgrm or hlog.") var output: Format = .text
    @Option(
        help: ArgumentHelp(
            "The operation of the hgrm, for instance create or create-service (the first that was measured).",
            valueName: "name"))
    var operation: String?
    @OptionGroup var settings: SettingsFlags

    func work() throws -> Ending? {
        guard operation == nil || output == .hgrm else {
            throw Ending(
                status: .usage, details: "cartsync: --operation is for --output hgrm",
                next: command([run, "--output", "hgrm", "--operation", operation ?? ""]))
        }
        let loaded = try Invocation(self).load()
        // What the ledger does not say is not known: a report can be read without one.
        let killed = try? LedgerAccess.with(loaded.settings) { ledger in
            try ledger.runs(in: [.applying, .stopped]).filter { $0.state == .stopped }.map(\.id)
        }
        let folder = try StoredReports(
            folder: loaded.settings.stateFolder, flag: settings.state, killed: Set(killed ?? [])
        ).find(run)
        switch output {
        case .text:
            Terminal.output(TextReport.forTerminal.summary(try known(folder, loaded), folder: folder.path))
        case .json:
            let (stored, all) = (try folder.readReport(), try known(folder, loaded))
            // The file as it is, once it is known to be a report of all that is known.
            if stored.outcomes.done == all.outcomes.done {
                Terminal.output(try folder.file(ReportFolder.reportName))
            } else {
                Terminal.output(String(decoding: try all.json(), as: UTF8.self))
            }
        case .html: Terminal.output(try ReportPage.html(known(folder, loaded)))
        case .hlog: Terminal.output(try folder.file(ReportFolder.logName))
        case .hgrm: Terminal.output(try folder.file(distribution(of: folder)))
        }
        return nil
    }

    /// The report, with what the journal knows beyond it.
    private func known(_ folder: ReportFolder, _ loaded: LoadedSettings) throws -> RunReport {
        let stored = try folder.readReport()
        let known = try? LedgerAccess.with(loaded.settings) { try stored.withJournal($0, time: .system) }
        return known ?? stored
    }

    private func command(_ arguments: [String]) -> String {
        TypedCommand(name: "").another("report show", arguments)
    }

    private func distribution(of folder: ReportFolder) throws -> String {
        let measured = folder.distributions
        guard let name = operation ?? measured.first else {
            throw Ending(
                status: .usage, details: "cartsync: the run measured no call, so there is no distribution",
                next: command([run]))
        }
        guard measured.contains(name) else {
            throw Ending(
                status: .usage,
                details: "cartsync: the run measured no \(name); it measured \(measured.joined(separator: ", "))",
                next: command([run, "--output", "hgrm", "--operation", measured.first ?? "create"]))
        }
        return ReportFolder.distributionName(name)
    }
}

struct CompareReportsCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Two runs side by side: counts and percentiles, and what became worse.",
        discussion: """
            What became worse is marked, from --fail-over upwards (20 %). A percentile is only judged where both runs \
            made enough calls for it to be more than chance.

            EXAMPLE
              cartsync report compare previous latest
              cartsync report compare 20261120-101500-4f2a 20261121-101500-7f3a --fail-over 20%
            """)

    @Argument(help: .run("or the path of its folder")) var before: String
    @Argument(help: .run("or the path of its folder")) var after: String
    @Option(
        help: ArgumentHelp(
            "End with exit status 8 where a figure became worse by more than this share.", valueName: "n%"))
    var failOver: String?
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    private static let usualShare = 0.2

    func work() throws -> Ending? {
        let share = try failOver.map(Self.share)
        let loaded = try Invocation(self).load()
        let reports = StoredReports(folder: loaded.settings.stateFolder, flag: settings.state)
        let comparison = RunComparison(
            before: try reports.find(before).readReport(), after: try reports.find(after).readReport())
        output.output.show(comparison) { $0.comparison(comparison, failOver: share ?? Self.usualShare) }
        guard let share else { return nil }
        let regressions = comparison.regressions(over: share)
        guard !regressions.isEmpty else { return nil }
        return Ending(
            status: .objectiveCrossed, details: regressions.map { "cartsync: \($0)" }.joined(separator: "\n"),
            summary: "\(Count.text(regressions.count, "figure")) became worse by more than \(percent(share))",
            next: TypedCommand(name: "").another("report show", [after]))
    }

    private static func share(_ text: String) throws -> Double {
        // A figure may become worse by more than all of itself.
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent.isFinite, percent >= 0 else {
            throw Ending(
                status: .usage, details: "cartsync: --fail-over is '\(text)': not a share such as 20%",
                next: "cartsync report compare previous latest --fail-over 20%")
        }
        return percent / 100
    }
}
