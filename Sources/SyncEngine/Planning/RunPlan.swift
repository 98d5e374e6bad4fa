import CallPacing
import CartAssociations
package import ExportFiles
import Foundation
import Ledger
import SyncReporting

/// What a run is about to do, from a comparison, a saved plan or an earlier run: every change, and what the exports
/// tell the ledger.
///
/// Any number of either, in memory that does not grow with them; both may be taken once.
struct RunPlan {
    /// The plan as it is shown.
    var view: PlanView
    /// What the guard looks at.
    var figures: PlanFigures
    let exports: [RunRecord.Export]
    let isDelta: Bool
    let rejected: RunReport.RejectedRecords
    let changes: PlanDraft
    let notes: LedgerNotes
    /// The owners who would lose the most.
    let hardestHit: [PlanView.OwnerLoss]
    /// Associations outside the scope, if they are to be listed.
    var unmanaged: AssociationDraft?
    /// The run whose changes it takes back.
    var undone: String?
    /// The id of the saved plan that it was.
    var savedPlan: String?
    /// The exports, if the shoppers' tokens in them are needed once more.
    var openExports: RunExports?

    /// The bytes that applying it takes on the disk: each change is a row of the journal, of its outcome, of the associations
    /// and of results.csv, each new assertion a row of the associations, and some of it is in the log as well.
    var room: Int {
        500 * (view.counts.creates + view.counts.deletes + view.counts.withheld) + 200 * notes.assertions.count
    }

    /// Estimates what the plan costs and asks the guard; the owners hit hardest are shown if it refuses.
    mutating func judge(by options: RunOptions, at time: TimeSource) {
        let left = options.deadline?.left(now: time.wall(), instant: time.now())
        view.estimate = .init(
            calls: view.counts.calls, rate: Double(options.rateLimit), available: left.map { $0 / .seconds(1) })
        view.refusals = options.planGuard.judge(figures)
        view.warnings += options.planGuard.warnings(figures)
        view.guardVerdict = view.refusals.isEmpty ? "passed" : "refused"
        view.hardestHit = view.refusals.isEmpty ? [] : hardestHit
    }
}

extension RunPlan {
    /// The plan that a finished comparison has drafted.
    init(_ comparison: Comparison) {
        let exports = comparison.exports
        let plan = comparison.plan
        self.init(
            view: PlanView(
                plan, comparison.current, comparison.options, store: comparison.ledger.store.baseURL,
                exports: exports.facts.indices.map { comparison.summary(of: $0) },
                withholdingAll: comparison.reasonForNoDeletes),
            figures: comparison.figures,
            exports: exports.facts.enumerated().map { index, facts in
                .init(
                    path: exports.files[index].name, digest: facts.sha256, records: facts.records, bytes: facts.bytes,
                    time: exports.times[index], ownerKinds: facts.ownerKinds,
                    orders: comparison.orders(of: index))
            }, isDelta: exports.isDelta, rejected: comparison.rejects.examples, changes: plan.draft,
            notes: comparison.notes, hardestHit: plan.hardestHit, unmanaged: plan.unmanaged)
        if plan.counts.rejected > 0 {
            view.rejected = comparison.rejects.examples
            view.rejected?.file = nil
        }
    }
}

extension PlanView {
    /// A plan that the guard has not judged yet.
    ///
    /// - Parameter reason: why no delete at all is made.
    init(
        _ plan: DraftedPlan, _ current: CurrentAssociations, _ options: RunOptions, store: String,
        exports: [RunReport.ExportSummary] = [], withholdingAll reason: String? = nil
    ) {
        self.init(
            store: store, source: options.source, scope: options.scope, exports: exports, counts: plan.counts,
            current: current.source, currentReason: current.reason,
            estimate: .init(calls: plan.counts.calls, rate: Double(options.rateLimit)))
        creates = plan.creates
        deletes = plan.deletes
        guard plan.counts.hasWithheld else { return }
        withheld = Withheld(
            deletes: plan.counts.withheld, creates: plan.counts.caseChanged ?? 0,
            reason: plan.doubtfulDeletes > 0 ? reason : nil,
            permission: plan.allowableDeletes > 0 ? "--max-doubtful-deletes \(plan.allowableDeletes)" : nil,
            examples: plan.withheld)
    }
}

extension Comparison {
    fileprivate func summary(of export: Int) -> RunReport.ExportSummary {
        let facts = exports.facts[export]
        return RunReport.ExportSummary(
            path: exports.files[export].name, format: facts.shape.sentence, records: facts.records,
            accepted: facts.usableRecords - duplicates[export] - rejects.conflicts(of: export)
                - exports.elsewhere[export],
            duplicates: duplicates[export], rejected: rejects.reasons(of: export),
            elsewhere: exports.elsewhere[export], sha256: facts.sha256)
    }
}

extension ExportShape {
    /// The format in words, for instance `CSV, comma, UTF-8` or `XML, gzip, UTF-8`.
    package var sentence: String {
        var parts = [sheet == nil ? format.rawValue.uppercased() : "XLSX"]
        switch sheet == nil ? delimiter : nil {
        case ",": parts.append("comma")
        case ";": parts.append("semicolon")
        case "\t": parts.append("tab")
        case let other?: parts.append(String(other))
        case nil: break
        }
        parts += packing.map(\.rawValue)
        if let sheet { parts.append(sheet) }
        if exports > 1 { parts.append("\(exports) exports in it") }
        parts.append(encoding.rawValue.uppercased())
        return parts.joined(separator: ", ")
    }
}
