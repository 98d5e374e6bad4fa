import AssociationDiff
import CartAssociations
import CommerceAPI
import Ledger
import SyncReporting

extension SyncRun {
    /// Plans the inverse of a run: what it created is deleted, what it deleted is created, where that still is so.
    ///
    /// What was there already, or gone already, is none of the run's doing. What another source asserts stays.
    func planUndo(of run: RunRecord) async throws -> RunPlan {
        guard let key = FingerprintKey(ledger.fingerprintKey) else { throw RunFailure.bug("the ledger's key is short") }
        // Without a listing the ledger says what exists; nobody else's changes are in it.
        // A listing of all owners is not to be had with shoppers' tokens.
        let wish = client.authentication == .shopper ? CurrentSource.ledger : options.current
        let current = try await Current.find(wish, accounts: nil, client: client, progress: progress)
        progress.enter(.comparing)
        let listed = Set(current.listed)
        let known = current.source == .api && current.isComplete ? listed : nil
        var plan = DraftedPlan(options, ledger, isComplete: true, run: id)
        let notes = LedgerNotes(ledger, source: options.source, run: id)
        var figures = PlanFigures()
        figures.isSnapshot = false
        var owners = FingerprintSet()
        var doubtful = 0
        try ledger.forEachEntry(of: run.id) { entry in
            guard let outcome = entry.outcome else { return }
            let association = entry.change.association
            if !outcome.outcome.changedTheStore {
                if outcome.outcome.isSuccess && outcome.attempts > 1 { doubtful += 1 }
                return
            }
            figures.inScope += 1
            owners.insert(key.fingerprint(association.owner))
            let stored = try ledger.association(association)
            let exists = known.map { $0.contains(association) } ?? (stored?.confirmation != nil)
            switch outcome.outcome {
            case .created where !exists, .deleted where exists: plan.counts.kept += 1
            case .created:
                if stored?.sources.contains(where: { $0 != run.source }) == true {
                    plan.counts.protected += 1
                } else {
                    try plan.add(Change(.delete, association, place: nil), entry.fingerprint)
                }
            default:
                try plan.add(Change(.create, association, place: nil), entry.fingerprint)
                // What the source owned is its own again; what was deleted as somebody else's is not.
                if run.scope == .owned { try notes.assertions.add(association, entry.fingerprint, place: nil) }
            }
        }
        if doubtful > 0 {
            warnings.append(
                "\(doubtful) changes of run \(run.id) were made by an attempt that got no answer or were there "
                    + "before; they are not undone")
        }
        try plan.countLosses()
        figures.deletes = plan.counts.deletes
        figures.ownersLosing = plan.ownersLosing
        figures.ownersInScope = owners.count
        return RunPlan(
            view: view(plan, current, figures), figures: figures, exports: [], isDelta: true, rejected: .init(),
            changes: plan.draft, notes: notes, undone: run.id)
    }

    private func view(_ plan: DraftedPlan, _ current: Current, _ figures: PlanFigures) -> PlanView {
        let refusals = options.planGuard.judge(figures)
        var view = PlanView(
            store: ledger.store.baseURL, source: options.source, scope: options.scope, exports: [],
            counts: plan.counts, current: current.source, currentReason: current.reason,
            estimate: .init(calls: plan.counts.calls, rate: Double(options.rateLimit)))
        view.creates = plan.creates
        view.deletes = plan.deletes
        view.guardVerdict = refusals.isEmpty ? "passed" : "refused"
        view.refusals = refusals
        if !refusals.isEmpty { view.hardestHit = plan.hardestHit }
        return view
    }
}
