import CallPacing
import CartAssociations
import ExportFiles
import Ledger
import Logging
import SyncEngine
import SyncReporting

/// The runs of one job that wait for a person: between the state folder, which holds the approvals, and the inbox, which
/// holds their exports.
struct JobApprovals: Sendable {
    let runs: WaitingRuns
    /// The job's source.
    let job: String
    let inbox: Inbox
    let ledger: Ledger
    let time: TimeSource
    let log: Logger

    private var own: [WaitingRun] { runs.all().filter { $0.job == job } }

    /// Takes the exports of approved runs back to work, and forgets runs whose exports were taken away.
    func review() {
        for run in own {
            do {
                try review(run)
            } catch {
                log.error("an approval cannot be used", metadata: ["run": "\(run.id)", "error": "\(error)"])
            }
        }
    }

    private func review(_ run: WaitingRun) throws {
        let wasAtWork = try isAtWork(run)
        let waiting = try exports(of: run)
        if waiting.isEmpty {
            // It may be in work with its approval, or on its way from there or to there.
            guard try !wasAtWork && !isAtWork(run) else { return }
            try runs.remove(run)
            log.notice("a run no longer waits, its export is gone", metadata: ["run": "\(run.id)"])
            return
        }
        // Who said no after a yes, or before one, is heard.
        if let decline = runs.decline(of: run) { return try putAside(run, waiting, decline) }
        guard let approval = runs.approval(of: run, now: time.wall()) else { return }
        for entry in waiting where try inbox.open(entry, in: .waiting, spoolFolder: inbox.folder).digest() == run.digest
        {
            guard try inbox.release(entry.name) else { continue }
            log.notice(
                "an approved run is taken again",
                metadata: [
                    "run": "\(run.id)", "max-deletes": "\(approval.deletes.map(String.init) ?? "as usual")",
                    "approved-by": "\(approval.way.rawValue)",
                ])
            return
        }
    }

    private func isAtWork(_ run: WaitingRun) throws(InboxError) -> Bool {
        try inbox.unfinished().contains { $0.entry.size == run.bytes }
    }

    /// The exports in `waiting/` that may be a run's: the one of its name, for others may have the same bytes, or else all of its
    /// size, for a person may have given it another name.
    private func exports(of run: WaitingRun) throws(InboxError) -> [InboxEntry] {
        let sameSize = try inbox.waiting().filter { $0.size == run.bytes }
        let own = sameSize.filter { $0.name == run.export }
        return own.isEmpty ? sameSize : own
    }

    private func putAside(_ run: WaitingRun, _ waiting: [InboxEntry], _ decline: Decline) throws {
        for entry in waiting where try inbox.open(entry, in: .waiting, spoolFolder: inbox.folder).digest() == run.digest
        {
            try inbox.supersede(waiting: [entry])
            try ledger.updateRun(run.id) { record in
                record.reason = (record.reason.map { "\($0); " } ?? "") + "declined by a person"
            }
            try runs.remove(run)
            log.notice("a run is declined", metadata: ["run": "\(run.id)", "declined-by": "\(decline.way.rawValue)"])
            return
        }
    }

    /// The waiting run that an export had, and its approval if there is one; nil if no run waits for the export.
    func waiting(for export: OpenExport) -> (run: WaitingRun, approval: Approval?)? {
        let sameSize = own.filter { $0.bytes == export.claimed.entry.size }
        guard !sameSize.isEmpty, let digest = try? export.files.digest() else { return nil }
        let same = sameSize.filter { $0.digest == digest }
        // What still lies in waiting/ has its run for itself, whatever else has its bytes.
        let lying = Set(((try? inbox.waiting()) ?? []).map(\.name))
        let run = same.last { $0.export == export.claimed.name } ?? same.last { !lying.contains($0.export) }
        return run.map { ($0, runs.approval(of: $0, now: time.wall())) }
    }

    /// Remembers that a run waits from now on.
    ///
    /// - Parameters:
    ///   - plan: the refused plan; nil for a run that a person stopped.
    ///   - former: the waiting run whose place it takes.
    func wait(
        _ export: OpenExport, run: String, plan: PlanView?, inPlaceOf former: WaitingRun?
    ) throws(RunFailure) {
        do {
            var waiting = WaitingRun(
                id: run, cause: plan == nil ? .stopped : .refused, job: job,
                export: try inbox.freeName(export.claimed.name, in: .waiting), digest: try export.files.digest(),
                bytes: export.claimed.entry.size, since: time.wall())
            if let plan { waiting.take(plan) }
            if let former { try runs.remove(former) }
            try runs.add(waiting)
        } catch {
            throw RunFailure(error)
        }
    }

    /// Forgets a run that waited: its approval is used up.
    func forget(_ run: WaitingRun?) throws(RunFailure) {
        guard let run else { return }
        do {
            try runs.remove(run)
        } catch {
            throw .unwritable("an approval that is used cannot be removed: \(error)")
        }
    }
}
