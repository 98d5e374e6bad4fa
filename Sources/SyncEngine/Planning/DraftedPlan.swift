import CartAssociations
import Ledger
import SyncReporting

/// A plan while it grows: its changes go into the ledger's draft, and what a person and the guard see is counted.
struct DraftedPlan {
    let draft: PlanDraft
    /// Associations outside the scope; nil if they are not to be listed.
    let unmanaged: AssociationDraft?
    private let source: String
    private let scope: DeletionScope
    private let isComplete: Bool

    var counts = PlanCounts()
    /// The first creates and deletes.
    private(set) var creates: [Change] = []
    private(set) var deletes: [Change] = []
    /// The owners who lose a cart, and those who lose the most; known after `countLosses`.
    private(set) var ownersLosing = 0
    private(set) var hardestHit: [PlanView.OwnerLoss] = []

    /// - Parameter isComplete: whether everything that exists is known; else nothing is deleted.
    init(_ options: RunOptions, _ ledger: Ledger, isComplete: Bool, run: String) {
        draft = ledger.draftPlan(for: run)
        unmanaged = options.listsUnmanaged ? ledger.draftAssociations() : nil
        source = options.source
        scope = options.scope
        self.isComplete = isComplete
    }

    mutating func add(_ change: Change, _ fingerprint: Fingerprint) throws {
        try draft.add(change, fingerprint)
        switch change.kind {
        case .create:
            counts.creates += 1
            if change.newCart != nil { counts.newCarts = (counts.newCarts ?? 0) + 1 }
            if creates.count < PlanView.sampleSize { creates.append(change) }
        case .delete:
            counts.deletes += 1
            if deletes.count < PlanView.sampleSize { deletes.append(change) }
        }
    }

    /// Counts who loses what, after the last change.
    mutating func countLosses() throws {
        (ownersLosing, hardestHit) = try draft.hardestHit()
    }

    /// Plans the delete of an association that exists and is not wanted, or counts why it stays.
    ///
    /// - Parameters:
    ///   - sources: the sources that assert it.
    ///   - isOwnerNamed: whether the exports name its owner; looked at only if the scope asks for it.
    mutating func judge(
        _ association: Association, _ fingerprint: Fingerprint, place: RecordPlace?, sources: [String],
        isOwnerNamed: Bool, _ doubts: NamesInDoubt
    ) throws {
        let verdict = scope.judge(
            isOwned: sources.contains(source), isAssertedElsewhere: sources.contains { $0 != source },
            isOwnerListed: isOwnerNamed,
            isInDoubt: !isComplete || doubts.includes(association))
        switch verdict {
        case .delete: try add(Change(.delete, association, place: place), fingerprint)
        case .unmanaged:
            counts.unmanaged += 1
            try unmanaged?.add(association, fingerprint)
        case .assertedElsewhere: counts.protected += 1
        case .withheld: counts.withheld += 1
        }
    }
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

extension PlanDraft {
    private static let ownersShown = 10

    /// How many owners lose a cart, and the ten who lose the most; to be asked once.
    func hardestHit() throws -> (owners: Int, most: [PlanView.OwnerLoss]) {
        let losses = try losses(most: Self.ownersShown)
        return (losses.owners, losses.hardest.map { .init(owner: $0.owner, deletes: $0.deletes) })
    }
}
