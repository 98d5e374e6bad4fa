import ArgumentParser
import CartAssociations
import Foundation
import SyncEngine
import SyncReporting

struct ApproveRunCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Let a run go on that waits for a person; without a run, list those that wait.",
        discussion: """
            A run of serve waits where a guard refused its plan, or where somebody stopped it. The approval holds for \
            this run's export as it is, once, and for 24 hours. The service takes the export at its next poll (or when \
            it is started), plans it anew, and applies the plan if it has no more deletes than were approved. The number \
            lifts the guards on deletes, owners and volume; the others stay.

            EXAMPLE
              cartsync runs approve
              cartsync runs approve 20261121-101500-4f2a
              cartsync runs approve --max-deletes 450 4f2a
            """)

    @Argument(help: .run("of those that wait")) var run: String?
    @Option(help: ArgumentHelp("The most deletes that are approved (exactly those of the plan).", valueName: "n"))
    var maxDeletes: Int?
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func validate() throws {
        if let maxDeletes, maxDeletes < 0 { throw ValidationError("--max-deletes is a number of deletes") }
        if maxDeletes != nil && run == nil { throw ValidationError("--max-deletes needs the run that it is for") }
    }

    func work() async throws -> Ending? {
        let invocation = Invocation(self)
        let loaded = try invocation.load()
        let runs = WaitingRuns(stateFolder: loaded.settings.stateFolder)
        guard let run else { return list(runs, invocation.typed) }
        if let ending = try await HandOver.toService(loaded) { return ending }
        do {
            let waiting = try runs.find(run)
            let approval = try waiting.approval(deletes: maxDeletes, by: .command, now: Date())
            try runs.add(approval)
            if output.output == .json { Terminal.output(JSONOutput.of(approval)) }
            return Ending(status: .done, summary: approval.sentence)
        } catch let refused as ApprovalRefused {
            return Ending(
                status: refused.exitStatus, details: "cartsync: \(refused)", summary: "nothing is approved",
                next: next(refused, invocation.typed))
        } catch {
            return Ending(
                status: .stateUnwritable, details: "cartsync: the approval cannot be written: \(error)",
                next: "make sure that the state folder is writable, then \(invocation.typed.again())")
        }
    }

    private func list(_ runs: WaitingRuns, _ typed: TypedCommand) -> Ending {
        let all = runs.all()
        output.output.show(all) { $0.list(table(all, runs), orElse: "No run waits for approval.") }
        let next = all.first { $0.lasting.isEmpty && runs.approval(of: $0, now: Date()) == nil }
        return Ending(
            status: .done, summary: all.isEmpty ? "nothing waits" : "waiting: \(Count.text(all.count, "run"))",
            next: next.map { typed.again() + " \($0.id)" })
    }

    private func table(_ all: [WaitingRun], _ runs: WaitingRuns) -> TextTable {
        var table = TextTable([
            .init(title: "run", right: false), .init(title: "job", right: false, dispensable: 3),
            .init(title: "export", right: false, dispensable: 4), .init(title: "creates", dispensable: 2),
            .init(title: "deletes", dispensable: 1), .init(title: "approved", right: false, dispensable: 5),
            .init(title: "why it waits", right: false, dispensable: 6),
        ])
        table.rows = all.map { run in
            [
                .init(run.id), .init(run.job), .init(run.export), .init(Count.text(run.counts.creates)),
                .init(Count.text(run.counts.deletes)),
                .init(runs.approval(of: run, now: Date()) == nil ? "no" : "yes"), .init(run.reason),
            ]
        }
        return table
    }

    private func next(_ refused: ApprovalRefused, _ typed: TypedCommand) -> String {
        switch refused {
        case .notWaiting, .ambiguous: return "\(typed.another("runs approve")), to see what waits"
        case .notByNumber:
            return "correct the export and put it into the inbox again, or change the setting of that guard"
        case .tooFew(_, _, let needed): return typed.again(adding: "--max-deletes \(needed)")
        }
    }
}

extension ApprovalRefused {
    fileprivate var exitStatus: ExitStatus {
        switch self {
        case .notWaiting, .ambiguous: .usage
        case .notByNumber, .tooFew: .refused
        }
    }
}
