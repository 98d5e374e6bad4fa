import ArgumentParser
import CartAssociations
import Foundation
import Ledger
import SyncEngine
import SyncReporting

struct ListRunsCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List runs, the newest first.",
        discussion: """
            EXAMPLE
              cartsync runs list --limit 5
              cartsync runs list --output json
            """)

    @Option(help: ArgumentHelp("The most runs that are shown (20).", valueName: "n"))
    var limit = 20
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit is 1 to 100000") }
    }

    func work() throws -> Ending? {
        let invocation = Invocation(self)
        let runs = try LedgerAccess.with(invocation, absent: [ListedRun]()) { ledger in
            let waiting = WaitingRuns(ledger).all()
            return try ledger.runs(limit: limit).map { run in
                ListedRun(run: run, waiting: waiting.first { $0.id == run.id })
            }
        }
        output.output.show(runs) { $0.list(Self.table(runs), orElse: "No runs yet.") }
        let next = runs.first { $0.waiting != nil || $0.run.isResumable }
        return Ending(
            status: .done, summary: runs.isEmpty ? "no runs yet" : Count.text(runs.count, "run"),
            // What waits is looked at before it is approved.
            next: next.map {
                $0.waiting == nil ? invocation.typed.next($0.run.id) : invocation.typed.another("runs approve")
            })
    }

    private static let started = Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day()
        .dateTimeSeparator(.space).time(includingFractionalSeconds: false)

    private static func table(_ runs: [ListedRun]) -> TextTable {
        var table = TextTable([
            .init(title: "run", right: false), .init(title: "state", right: false),
            .init(title: "command", right: false, dispensable: 4),
            .init(title: "source", right: false, dispensable: 1),
            .init(title: "started (UTC)", right: false, dispensable: 6), .init(title: "took", dispensable: 7),
            .init(title: "creates", dispensable: 2), .init(title: "deletes", dispensable: 2),
            .init(title: "failed", dispensable: 3), .init(title: "exit", dispensable: 5),
            .init(title: "how it ended", right: false, dispensable: 8),
        ])
        table.rows = runs.map { listed in
            let run = listed.run
            return [
                .init(run.id), .init(listed.state, listed.style), .init(run.command), .init(run.source),
                .init(run.started.formatted(started)),
                .init(run.ended.map { Figures.span(seconds: $0.timeIntervalSince(run.started)) } ?? ""),
                .init(Count.text(run.counts.creates)), .init(Count.text(run.counts.deletes)),
                .init(run.unsuccessful.map { Count.text($0) } ?? "", run.unsuccessful ?? 0 > 0 ? .bad : .plain),
                .init((run.exitStatus?.rawValue).map(String.init) ?? ""), .init(run.reason ?? ""),
            ]
        }
        return table
    }
}

/// A run in the list, with what a person has to know if it waits for approval.
private struct ListedRun: Encodable {
    let run: RunRecord
    let waiting: WaitingRun?

    private enum Key: String, CodingKey { case waiting }

    var state: String {
        waiting != nil ? "waiting" : run.supersededBy == nil ? run.state.rawValue : "superseded"
    }

    var style: TextStyle {
        if waiting != nil { return .warning }
        if run.supersededBy != nil { return .plain }
        return switch run.state {
        case .finished: .good
        case .stopped, .applying, .refused: .warning
        case .failed: .bad
        case .planning: .plain
        }
    }

    func encode(to encoder: any Encoder) throws {
        try run.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(waiting, forKey: .waiting)
    }
}

struct ShowRunCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one run: what it was asked, how far it came, why it ended.",
        discussion: """
            EXAMPLE
              cartsync runs show 20261121-101500-4f2a
            """)

    @OptionGroup var which: RunArgument
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func work() throws -> Ending? {
        let invocation = Invocation(self)
        let (shown, folder) = try LedgerAccess.with(invocation) { ledger in
            let run = try KnownRuns.find(which.run, in: ledger)
            return (
                ShownRun(run: run, outcomes: RunOutcomes(try ledger.counts(of: run.id))),
                RunTools.folder(of: run.id, in: ledger)
            )
        }
        output.output.show(shown) { $0.run(shown.facts(folder: folder), shown.outcomes) }
        return Ending(
            status: .done, summary: "run \(shown.run.id) is \(shown.run.state.rawValue)",
            next: shown.run.isResumable ? invocation.typed.next(shown.run.id) : nil)
    }
}

/// A run with what became of its changes.
struct ShownRun: Encodable {
    let run: RunRecord
    let outcomes: RunOutcomes

    func facts(folder: String) -> [(name: String, text: String)] {
        var facts = [
            ("run", "\(run.id), \(run.command) of source \(run.source), deletes: \(run.scope.rawValue)"),
            ("state", run.state.rawValue + (run.exitStatus.map { ", exit status \($0.rawValue)" } ?? "")),
        ]
        if let reason = run.reason { facts.append(("reason", reason)) }
        if let later = run.supersededBy { facts.append(("later", "run \(later) took its place")) }
        if let undone = run.undone { facts.append(("undoes", "run \(undone)")) }
        facts.append(("started", run.started.formatted(.iso8601)))
        if let ended = run.ended { facts.append(("ended", ended.formatted(.iso8601))) }
        for export in run.exports {
            facts.append(("export", "\(export.path): \(Count.text(export.records, "record"))"))
        }
        if let current = run.current { facts.append(("current", "\(current.rawValue): \(run.currentReason ?? "")")) }
        if FileManager.default.fileExists(atPath: folder) { facts.append(("report", folder)) }
        return facts
    }
}

/// Reading the ledger's runs without a call to the store.
enum KnownRuns {
    /// The run that a name means, as `RunName` has it.
    ///
    /// - Parameter withPlan: whether `latest` and `previous` mean the runs that had a plan, not those that failed before.
    static func find(_ name: String, in ledger: Ledger, withPlan: Bool = false) throws -> RunRecord {
        if let run = try ledger.run(name) { return run }
        var problem = RunName.words(unknown: name, in: ledger)
        do {
            let isRelative = [RunName.latest, RunName.previous].contains(name)
            let runs = try ledger.runs(limit: 10_000).filter { !withPlan || !isRelative || $0.state != .failed }
            let id = try RunName.find(name, among: runs.map(\.id).reversed())
            if let run = try ledger.run(id) { return run }
        } catch RunName.Problem.ambiguous(let ids) {
            problem = RunName.words(name, fits: ids)
        } catch is RunName.Problem {}
        throw Ending(status: .usage, details: "cartsync: \(problem)", next: TypedCommand(name: "").another("runs list"))
    }
}

extension RunOutcomes {
    fileprivate init(_ counts: JournalCounts) {
        self.init()
        for (kind, outcomes) in counts.outcomes {
            for (outcome, number) in outcomes { count(kind, outcome, number) }
        }
        create.pending = counts.planned[.create, default: 0] - create.done
        delete.pending = counts.planned[.delete, default: 0] - delete.done
    }
}
