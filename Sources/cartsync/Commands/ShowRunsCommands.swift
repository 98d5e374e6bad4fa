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
        let runs = try KnownRuns.read(invocation) { ledger in
            let waiting = WaitingRuns(stateFolder: ledger.folder).all()
            return try ledger.runs(limit: limit).map { run in
                ListedRun(run: run, waiting: waiting.first { $0.id == run.id })
            }
        }
        switch output.output {
        case .json: Terminal.output(JSONOutput.of(runs))
        case .text:
            let text = TextReport(width: Terminal.width, color: Terminal.outputHasColor)
            Terminal.output(text.runs(runs.map(RunLine.init)))
        }
        let next = runs.first { $0.waiting != nil || $0.run.isResumable }
        return Ending(
            status: .done, summary: Count.text(runs.count, "run"),
            next: next.map { invocation.typed.next($0.run.id, verb: $0.waiting == nil ? "resume" : "approve") })
    }
}

/// A run in the list, with what a person has to know if it waits for approval.
private struct ListedRun: Encodable {
    let run: RunRecord
    let waiting: WaitingRun?

    private enum Key: String, CodingKey { case waiting }

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
        let (shown, folder) = try KnownRuns.read(invocation) { ledger in
            let run = try KnownRuns.find(which.run, in: ledger)
            return (
                ShownRun(run: run, outcomes: RunOutcomes(try ledger.counts(of: run.id))),
                RunTools.folder(of: run.id, in: ledger)
            )
        }
        switch output.output {
        case .json: Terminal.output(JSONOutput.of(shown))
        case .text:
            let text = TextReport(width: Terminal.width, color: Terminal.outputHasColor)
            Terminal.output(text.run(shown.facts(folder: folder), shown.outcomes))
        }
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
    /// Opens the ledger, whichever store it belongs to, and closes it again.
    static func read<Value>(_ invocation: Invocation, _ body: (Ledger) throws -> Value) throws -> Value {
        try LedgerAccess.with(invocation) {
            try $0.stopInterruptedRuns()
            return try body($0)
        }
    }

    /// The run that a name means, as `RunName` has it.
    static func find(_ name: String, in ledger: Ledger) throws -> RunRecord {
        var problem = "the ledger in \(ledger.folder) knows no run \(name)"
        do {
            let id = try RunName.find(name, among: try ledger.runs(limit: 10_000).map(\.id).reversed())
            if let run = try ledger.run(id) { return run }
        } catch RunName.Problem.ambiguous(let ids) {
            problem = RunName.words(name, fits: ids)
        } catch is RunName.Problem {}
        throw Ending(status: .usage, details: "cartsync: \(problem)", next: "cartsync runs")
    }
}

extension RunLine {
    fileprivate init(_ listed: ListedRun) {
        let run = listed.run
        let state = listed.waiting != nil ? "waiting" : run.supersededBy == nil ? run.state.rawValue : "superseded"
        self.init(
            run: run.id, state: state, command: run.command,
            source: run.source, creates: run.counts.creates, deletes: run.counts.deletes, exitStatus: run.exitStatus,
            reason: run.reason)
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
