import AssociationDiff
import CartAssociations
import Ledger
import SyncReporting

/// A plan while it grows: its changes go into the ledger's draft, and what a person and the guard see is counted.
struct DraftedPlan {
    private(set) var draft: PlanDraft
    /// Deletes that are withheld because of doubt, until it is known how many they are.
    private let doubtful: PlanDraft
    /// Deletes behind an end that is in doubt, until it is known whether the guard refuses them.
    private let behindEnds: PlanDraft
    private var deletesBehindEnds = 0
    private var adoptedBehindEnds = 0
    /// Associations outside the scope; nil if they are not to be listed.
    let unmanaged: AssociationDraft?
    private let source: String
    private let scope: DeletionScope
    private let isComplete: Bool

    var counts = PlanCounts()
    /// Deletes of what the source asserts and did not create.
    private(set) var adoptedDeletes = 0
    /// The first creates and deletes.
    private(set) var creates: [Change] = []
    private(set) var deletes: [Change] = []
    /// The first changes that are withheld, and those among them that a number allows.
    private(set) var withheld: [Change] = []
    private(set) var doubtfulDeletes = 0
    /// The deletes that a person may allow although the export leaves them in doubt.
    var allowableDeletes: Int { isComplete ? doubtfulDeletes : 0 }
    /// As many withheld changes are listed with their reasons; the others are counted.
    private static let withheldListed = 100_000
    private var listed = 0
    /// nil if nothing may be deleted, or if case makes no difference on purpose.
    var casePairs: CasePairs?
    /// The owners who lose a cart, and those who lose the most; known after `countLosses`.
    private(set) var ownersLosing = 0
    private(set) var hardestHit: [PlanView.OwnerLoss] = []

    /// - Parameter isComplete: whether everything that exists is known; else nothing is deleted.
    init(_ options: RunOptions, _ ledger: Ledger, isComplete: Bool, run: String) {
        draft = ledger.draftPlan(for: run)
        doubtful = ledger.draftPlan(for: run)
        behindEnds = ledger.draftPlan(for: run)
        unmanaged = options.listsUnmanaged ? ledger.draftAssociations() : nil
        source = options.source
        scope = options.scope
        self.isComplete = isComplete
    }

    mutating func add(_ change: Change, _ fingerprint: Fingerprint) throws {
        try casePairs?.add(change)
        if change.withheld != nil {
            if change.kind == .delete { counts.withheld += 1 }
            if withheld.count < PlanView.sampleSize { withheld.append(change) }
            listed += 1
            if listed <= Self.withheldListed { try draft.add(change, fingerprint) }
            return
        }
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
    ///   - isAdopted: whether it existed before an export first named it.
    ///   - doubt: why the exports leave it in doubt; nil if they do not.
    ///   - end: why the record of it may have been cut off; nil if it was not.
    /// - Returns: what becomes of it.
    @discardableResult
    mutating func judge(
        _ association: Association, _ fingerprint: Fingerprint, place: RecordPlace?, sources: [String],
        isOwnerNamed: Bool, isAdopted: Bool, doubt: String?, end: String? = nil
    ) throws -> UnwantedTreatment {
        let reason = isComplete ? doubt ?? end : "the store's listing is not complete"
        let verdict = scope.judge(
            isOwned: sources.contains(source), isAssertedElsewhere: sources.contains { $0 != source },
            isOwnerListed: isOwnerNamed, isInDoubt: reason != nil)
        switch verdict {
        case .delete:
            if isAdopted && sources.contains(source) { adoptedDeletes += 1 }
            try add(Change(.delete, association, place: place), fingerprint)
        case .unmanaged:
            counts.unmanaged += 1
            try unmanaged?.add(association, fingerprint)
        case .assertedElsewhere: counts.protected += 1
        case .withheld where isComplete && doubt == nil:
            try behindEnds.add(Change(.delete, association, place: place, withheld: reason), fingerprint)
            deletesBehindEnds += 1
            if isAdopted && sources.contains(source) { adoptedBehindEnds += 1 }
        case .withheld:
            try doubtful.add(Change(.delete, association, place: place, withheld: reason), fingerprint)
            doubtfulDeletes += 1
        }
        return verdict
    }

    /// The deletes if those behind ends that are in doubt are made, and how many of them are of adopted associations; nil if
    /// there are none behind ends.
    var withEnds: (deletes: Int, adopted: Int)? {
        guard deletesBehindEnds > 0 else { return nil }
        return (counts.deletes + deletesBehindEnds, adoptedDeletes + adoptedBehindEnds)
    }

    /// Decides about the deletes behind ends that are in doubt: if the guard refuses the plan with them, a person decides about
    /// them as about all others; else they are withheld.
    ///
    /// - Parameter isRefused: whether the guard refuses as many deletes as `withEnds` says.
    mutating func settleEnds(isRefused: Bool) throws {
        if isRefused {
            try behindEnds.takeAll { try add(Change(.delete, $0.association, place: $0.place), $1) }
            adoptedDeletes += adoptedBehindEnds
        } else {
            try behindEnds.takeAll { try doubtful.add($0, $1) }
            doubtfulDeletes += deletesBehindEnds
        }
    }

    /// Decides about the deletes that doubt withholds: they are made if a person allowed as many, else listed.
    mutating func settleDoubt(allowed: Int?) throws {
        let isAllowed = isComplete && allowed.map { $0 >= doubtfulDeletes } ?? false
        try doubtful.takeAll { change, fingerprint in
            try add(isAllowed ? Change(.delete, change.association, place: change.place) : change, fingerprint)
        }
        if isAllowed { doubtfulDeletes = 0 }
    }

    /// Withholds a delete and skips a create whose associations differ only in the case of letters.
    ///
    /// - Parameters:
    ///   - ends: where exports end too early: the guard may no longer refuse what lies behind.
    ///   - empty: makes a draft for what the plan is then.
    mutating func withholdCasePairs(ends: ExportEnds?, into empty: () -> PlanDraft) throws {
        guard try casePairs?.areThere() == true else { return }
        let all = draft
        let unlisted = max(0, listed - Self.withheldListed)
        draft = empty()
        (counts.creates, counts.deletes, counts.withheld, counts.newCarts) = (0, 0, 0, nil)
        (creates, deletes, withheld, listed) = ([], [], [], 0)
        try all.takeGroups { group in
            let isPair = group.contains { $0.change.kind == .create } && group.contains { $0.change.kind == .delete }
            for (change, fingerprint) in group {
                guard isPair && change.withheld == nil else {
                    let end = change.kind == .delete ? ends?.reason(change.association) : nil
                    let reason = change.withheld ?? end
                    try add(
                        Change(
                            change.kind, change.association, place: change.place, newCart: change.newCart,
                            withheld: reason), fingerprint)
                    continue
                }
                let other = change.kind == .create ? "one that exists" : "one that the export wants"
                let reason = "it differs only in the case of letters from \(other)"
                if change.kind == .create { counts.caseChanged = (counts.caseChanged ?? 0) + 1 }
                try add(Change(change.kind, change.association, place: change.place, withheld: reason), fingerprint)
            }
        }
        counts.withheld += unlisted
    }
}

/// Finds out whether a plan creates and deletes associations that differ only in the case of letters.
///
/// Nothing published says whether the store tells them apart; one that does not would lose the association.
final class CasePairs {
    private let key: FingerprintKey
    private var changes: AssociationDiff

    init(_ key: FingerprintKey, spillFolder: String) {
        self.key = key
        changes = AssociationDiff(memoryBudget: RunOptions.fingerprintBudget, spillFolder: spillFolder)
    }

    fileprivate func add(_ change: Change) throws {
        let folded = key.fingerprint(change.association.lowercased)
        try changes.add(folded, to: change.kind == .create ? .wanted : .existing)
    }

    /// Whether there are such pairs among all changes so far; to be asked once.
    fileprivate func areThere() throws -> Bool { try changes.join(listingExtra: false).keptCount > 0 }
}

/// What accepting a plan changes in the ledger, apart from the journal.
struct LedgerNotes {
    /// Associations that the source asserts from now on.
    let assertions: AssertionDraft
    /// Assertions of the source that no longer hold, with nothing to be deleted for them.
    let retractions: AssociationDraft
    /// Sources of which it is known again what they assert, after a backup was restored, by the kind of owner.
    var renewed: [OwnerKind: Set<String>] = [:]
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
