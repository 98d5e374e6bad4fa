import ArgumentParser
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import SyncEngine
import SyncReporting

struct ResumeRunCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Go on with a run that was stopped or killed.",
        discussion: """
            The changes that are still pending are made, after the guard has judged them again; the export is not read \
            again. The report is that of the whole run. A run is void once a later snapshot of its source was synced.

            EXAMPLE
              cartsync runs resume 20261121-101500-4f2a
              cartsync runs resume --rate 50 4f2a
            """)

    @OptionGroup var which: RunArgument
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var guards: DeleteApprovalFlags
    @OptionGroup var timing: RunFlags
    @OptionGroup var report: ReportFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(self, giving: try flagsOfRun())
        let typed = invocation.typed
        return try await OneSession.run(invocation) { session in
            let record = try KnownRuns.find(which.run, in: session.ledger, withPlan: true)
            let stopped = try session.resumedRun(record)
            if let refusal = stopped.refusals.first {
                return Ending(
                    status: .refused,
                    details: "cartsync: the \(refusal.rule.rawValue) guard refuses: \(refusal.sentence)",
                    summary: "what is left of the run is refused",
                    next: typed.again(adding: refusal.permission))
            }
            if stopped.pending > 0 && session.settings.readOnly { return .readOnly }
            Terminal.message(
                "cartsync: run \(record.id): \(Count.text(stopped.done, "change")) done, \(Count.text(stopped.pending)) left "
                    + "(creates: \(Count.text(stopped.creates)), deletes: \(Count.text(stopped.deletes)))")
            Handed.current?.isApplying(record.id)
            let ended = try await Progress.shown(stopped.tools, session, stopped) { try await $0.resume() }
            output.output.show(ended.report) { $0.summary(ended.report, folder: ended.folder) }
            return session.writeMetrics(.report(ended.report)) ?? Ending(ended)
        }
    }

    /// The settings that the run had by its flags, by their keys, as far as they say how it goes on: its pace, its canary,
    /// its objectives and what its report hides. What a person allowed is in the ledger, and a deadline was for then.
    private func flagsOfRun() throws -> [String: String] {
        // Who cannot read the ledger here is told so when it is opened.
        guard Handed.current == nil, let settings = try? Invocation(self).quietly().settings else { return [:] }
        let report = try? LedgerAccess.with(settings) { ledger -> RunReport? in
            let run = try KnownRuns.find(which.run, in: ledger, withPlan: true)
            return try? ReportFolder(path: RunTools.folder(of: run.id, in: ledger)).report()
        }
        let used = report?.settings.filter { used in
            used.flag != nil && used.name != "run.deadline"
                && ["rate.", "run.", "report."].contains { used.name.hasPrefix($0) }
        }
        return Dictionary((used ?? []).map { ($0.name, $0.value) }) { first, _ in first }
    }
}

struct UndoRunCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo",
        abstract: "Take back what a run really changed: delete what it created, create what it deleted.",
        discussion: """
            Shows the plan first, within the same guards as sync. On a terminal it asks; elsewhere it needs --yes. What \
            was there before the run stays, and so does what another source asserts.

            EXAMPLE
              cartsync runs undo 20261121-101500-4f2a
              cartsync runs undo --yes --max-deletes 412 4f2a
            """)

    @OptionGroup var which: RunArgument
    @Flag(help: "Apply without asking, within the guards.") var yes = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var guards: DeleteApprovalFlags
    @OptionGroup var timing: RunFlags
    @OptionGroup var report: ReportFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(self)
        let command = invocation.typed
        return try await OneSession.run(invocation) { session in
            let record = try KnownRuns.find(which.run, in: session.ledger, withPlan: true)
            return try await ApprovedRun(
                command: command, output: output.output, approval: yes ? .given : .asked
            ).run(session.newRun(command: "undo"), session) { try await $0.plan(undoing: record) }
        }
    }
}
