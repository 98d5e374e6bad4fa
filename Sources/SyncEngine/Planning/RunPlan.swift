import CartAssociations
import ExportFiles
import Foundation
import Ledger
import SyncReporting

/// What a run is about to do, from a comparison or from a saved plan: every change, and what the exports tell the
/// ledger.
///
/// Any number of either, in memory that does not grow with them; both may be taken once.
struct RunPlan {
    /// The plan as it is shown.
    var view: PlanView
    /// What the guard looks at.
    let figures: PlanFigures
    let exports: [RunRecord.Export]
    let isDelta: Bool
    let rejected: RunReport.RejectedRecords
    let changes: PlanDraft
    let notes: LedgerNotes
    /// Associations outside the scope, where they were to be listed.
    var unmanaged: AssociationDraft?
    /// The run whose changes it takes back.
    var undone: String?
}

/// What accepting a plan changes in the ledger, apart from the journal.
struct LedgerNotes {
    /// Associations that the source asserts from now on.
    let assertions: AssertionDraft
    /// Assertions of the source that no longer hold, with nothing to be deleted for them.
    let retractions: AssociationDraft
    /// Associations that the ledger believes in and a complete listing does not show.
    let vanished: AssociationDraft
    /// Associations that the ledger did not know to exist and a complete listing shows.
    let confirmed: AssociationDraft

    init(_ ledger: Ledger, source: String, run: String) {
        assertions = ledger.draftAssertions(by: source, run: run)
        retractions = ledger.draftAssociations()
        vanished = ledger.draftAssociations()
        confirmed = ledger.draftAssociations()
    }
}

extension PlanView {
    /// Asks the guard; the owners hit hardest are shown where it refuses.
    mutating func judge(_ figures: PlanFigures, by planGuard: Guard, hardestHit: [OwnerLoss]) {
        refusals = planGuard.judge(figures)
        guardVerdict = refusals.isEmpty ? "passed" : "refused"
        self.hardestHit = refusals.isEmpty ? [] : hardestHit
    }
}

extension RunOptions {
    /// What a plan of these counts costs, and whether the deadline leaves time for it.
    func estimate(_ counts: PlanCounts) -> PlanView.Estimate {
        let left = deadline?.left(now: Date(), instant: .now)
        return .init(calls: counts.calls, rate: Double(rateLimit), available: left.map { $0 / .seconds(1) })
    }
}

extension RunPlan {
    /// The plan that a finished comparison has drafted.
    init(_ comparison: Comparison) {
        let exports = comparison.exports
        let options = comparison.options
        let plan = comparison.plan
        view = PlanView(
            store: comparison.ledger.store.baseURL, source: options.source, scope: options.scope,
            exports: exports.facts.indices.map { index in
                let facts = exports.facts[index]
                return RunReport.ExportSummary(
                    path: exports.files[index].name, format: facts.shape.sentence, records: facts.records,
                    accepted: facts.usableRecords - comparison.duplicates[index]
                        - comparison.rejects.conflicts(of: index) - exports.elsewhere[index],
                    duplicates: comparison.duplicates[index], rejected: comparison.rejects.reasons(of: index),
                    elsewhere: exports.elsewhere[index], sha256: facts.sha256)
            },
            counts: plan.counts, current: comparison.current.source, currentReason: comparison.current.reason,
            estimate: options.estimate(plan.counts))
        view.creates = plan.creates
        view.deletes = plan.deletes
        view.judge(comparison.figures, by: options.planGuard, hardestHit: plan.hardestHit)
        figures = comparison.figures
        self.exports = zip(exports.files, exports.facts).map { file, facts in
            .init(path: file.name, digest: facts.sha256, records: facts.records, bytes: facts.bytes)
        }
        isDelta = exports.isDelta
        rejected = comparison.rejects.examples
        changes = plan.draft
        notes = comparison.notes
        unmanaged = plan.unmanaged
    }
}
