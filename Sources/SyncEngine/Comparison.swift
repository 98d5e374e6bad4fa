import AssociationDiff
import CartAssociations
import DequeModule
import ExportFiles
import Ledger

/// Compares what the exports want with what exists, and drafts the plan and the assertions that follow.
struct Comparison {
    let options: RunOptions
    let exports: RunExports
    let ledger: Ledger
    let key: FingerprintKey
    let current: Current
    let assertions: AssertionDraft
    let rejects: RejectsFiles

    private(set) var plan: DraftedPlan
    private(set) var figures = PlanFigures()
    /// Assertions of the source that no longer hold, with nothing to be deleted for them.
    private(set) var retractions: [Association] = []
    /// Associations that the ledger believes in and a complete listing does not show.
    private(set) var vanished: [Association] = []
    /// Associations that the ledger did not know to exist and a complete listing shows.
    private(set) var confirmed: [(Association, Fingerprint)] = []
    /// What the source asserted before, of the kinds that the exports speak for.
    private var assertedBefore = 0
    /// Repeated records by export.
    private(set) var duplicates: [Int] = []

    init(
        _ options: RunOptions, _ exports: RunExports, _ ledger: Ledger, _ key: FingerprintKey, _ current: Current,
        run: String, rejects: RejectsFiles
    ) {
        self.options = options
        self.exports = exports
        self.ledger = ledger
        self.key = key
        self.current = current
        self.rejects = rejects
        plan = DraftedPlan(options, ledger, isComplete: current.isComplete, run: run)
        assertions = ledger.draftAssertions(by: options.source, run: run)
    }

    /// Joins both sides, reads the exports again for what differs, and judges what they do not want.
    mutating func compare(_ first: FirstReading, _ diff: inout AssociationDiff) throws {
        try addKnown(to: &diff)
        let difference = try diff.join()
        plan.counts.kept = difference.keptCount
        duplicates = zip(first.starts, first.starts.dropFirst()).map { start, end in
            (start..<end).count { difference.repeated.contains($0) && !difference.contradictory.contains($0) }
        }
        var first = first
        if needsSecondReading(difference, first) { try readAgain(difference, &first) }
        if !exports.isDelta && (difference.extraCount > 0 || !difference.dropped.isEmpty) {
            try judgeExtra(difference, first)
        }
        try countScope(first)
        plan.counts.duplicates = duplicates.reduce(0, +)
        plan.counts.rejected = exports.rejected + rejects.conflicts
        try finishFigures()
    }

    /// Adds what exists and what the source asserted before.
    private mutating func addKnown(to diff: inout AssociationDiff) throws {
        var listed = FingerprintSet()
        for association in current.listed {
            let fingerprint = key.fingerprint(association)
            listed.insert(fingerprint)
            try diff.add(fingerprint, to: .existing)
        }
        let isListing = current.source == .api && current.isComplete
        let existsByLedger = current.source == .ledger
        let kinds = kinds
        try ledger.forEachAssociation(from: options.source) { standing in
            var sides: AssociationDiff.Sides = standing.isAsserted ? .asserted : []
            if existsByLedger && standing.exists { sides.insert(.existing) }
            if !sides.isEmpty { try diff.add(standing.fingerprint, to: sides) }
            if standing.isAsserted && kinds.contains(standing.ownerKind) { assertedBefore += 1 }
            return isListing && standing.exists != listed.contains(standing.fingerprint)
        } visit: { stored in
            if stored.confirmation == nil {
                confirmed.append((stored.association, stored.fingerprint))
            } else {
                vanished.append(stored.association)
            }
        }
    }
}

// MARK: - What the exports say

extension Comparison {
    private func needsSecondReading(_ difference: Difference, _ first: FirstReading) -> Bool {
        !difference.missing.isEmpty || !difference.unasserted.isEmpty || exports.isDelta
            || !difference.contradictory.isEmpty || first.hasSharedCarts || exports.rejected > 0
    }

    /// Reads the exports again; only records of the difference are decoded.
    private mutating func readAgain(_ difference: Difference, _ first: inout FirstReading) throws {
        var comparison = self
        var doubts = first
        var position = 0
        // Visits come in the order of the selections, and maybe some records later.
        var selected = Deque<Int>()
        try exports.read { _, action, _, cart in
            defer { position += 1 }
            let isWanted =
                difference.missing.contains(position) || difference.unasserted.contains(position)
                || action == .delete || difference.contradictory.contains(position) || doubts.isShared(cart: cart)
            if isWanted { selected.append(position) }
            return isWanted
        } visit: { index, record in
            switch record {
            case .rejected(let record): try comparison.rejects.add(record, of: index)
            case .usable(let record):
                try comparison.take(record, at: selected.removeFirst(), of: index, difference, &doubts)
            }
        }
        self = comparison
        first = doubts
    }

    private mutating func take(
        _ record: ExportRecord, at position: Int, of index: Int, _ difference: Difference, _ first: inout FirstReading
    ) throws {
        let association = record.association
        if let reason = conflict(association, difference.contradictory.contains(position), first) {
            let rejected = RejectedRecord(
                place: record.place, reason: reason, raw: record.raw, cart: association.cart.text,
                owner: association.owner.id.text)
            try rejects.add(rejected, of: index, isConflict: true)
            first.doubt(rejected)
            let isRepeated = difference.repeated.contains(position)
            if isRepeated && !difference.contradictory.contains(position) { duplicates[index] -= 1 }
            return
        }
        let fingerprint = key.fingerprint(association)
        let isMissing = difference.missing.contains(position)
        if isMissing { try plan.add(Change(.create, association, place: record.place), fingerprint) }
        if difference.unasserted.contains(position) {
            let isSeen = !isMissing && current.source == .api
            try assertions.add(association, fingerprint, place: record.place, confirmation: isSeen ? .listed : nil)
        }
        if record.action == .delete && !difference.repeated.contains(position) {
            try takeDelete(record, fingerprint, isSeen: difference.unwantedExisting.contains(position), first)
        }
    }

    /// Judges what a delta says to delete.
    private mutating func takeDelete(
        _ record: ExportRecord, _ fingerprint: Fingerprint, isSeen: Bool, _ first: FirstReading
    ) throws {
        let association = record.association
        let sources = try ledger.association(association)?.sources ?? []
        // Without a complete listing nobody knows that it is gone, and the export names it.
        let mayExist = isSeen || current.source != .api || !current.isComplete
        if mayExist { try plan.judge(association, fingerprint, place: record.place, sources: sources, first) }
        let isAssertedElsewhere = sources.contains { $0 != options.source }
        if sources.contains(options.source) && (isAssertedElsewhere || !mayExist) { retractions.append(association) }
    }

    private func conflict(_ association: Association, _ isContradictory: Bool, _ first: FirstReading) -> RejectReason? {
        if isContradictory {
            return RejectReason(.contradiction, "the export says both create and delete for \(association)")
        }
        guard first.isShared(association.cart) else { return nil }
        return RejectReason(
            .conflict, "cart \(association.cart) has two owners in the export, and may have only one")
    }
}

// MARK: - What the exports do not want

extension Comparison {
    /// The owner kinds that the snapshot speaks for.
    private var kinds: Set<OwnerKind> {
        let found = exports.ownerKinds
        guard found.isEmpty else { return found }
        // An empty snapshot speaks for the kinds that its columns name.
        if let kind = options.reading.ownerKind { return [kind] }
        return exports.facts.reduce(into: []) { kinds, facts in
            if facts.shape.mapping[.customer] != nil { kinds.insert(.customer) }
            if facts.shape.mapping[.account] != nil { kinds.insert(.account) }
        }
    }

    /// A delete that rests on the ledger alone rests on a row whose fingerprint is that of its text.
    private func checkRow(_ stored: StoredAssociation) throws {
        guard key.fingerprint(stored.association) != stored.fingerprint else { return }
        throw LedgerError(
            .damaged, path: ledger.folder, problem: "the ledger's row of \(stored.association) is damaged",
            advice: "restore the folder from a backup, or move it away and sync again")
    }

    /// Judges every association that exists, or that the source asserted, and that the snapshot does not want.
    private mutating func judgeExtra(_ difference: Difference, _ first: FirstReading) throws {
        let kinds = kinds
        var comparison = self
        let isListing = current.source == .api
        let listedExtra = Dictionary(
            current.listed.filter { kinds.contains($0.owner.kind) }.map { (key.fingerprint($0), $0) },
            uniquingKeysWith: { first, _ in first }
        ).filter { difference.extra.contains($0.key) }
        var known: [Fingerprint: [String]] = [:]
        try ledger.forEachAssociation(from: options.source) { standing in
            guard kinds.contains(standing.ownerKind) else { return false }
            return difference.extra.contains(standing.fingerprint)
                || (standing.isAsserted && difference.dropped.contains(standing.fingerprint))
        } visit: { stored in
            // Without a listing the ledger says what exists, also where nothing was compared with it.
            let exists = isListing ? listedExtra[stored.fingerprint] != nil : stored.confirmation != nil
            let isDropped = stored.sources.contains(comparison.options.source)
            let isAssertedElsewhere = stored.sources.count > (isDropped ? 1 : 0)
            // What is in doubt stays asserted: the record that is missing may only be broken.
            let holdsNoLonger = isAssertedElsewhere || (!exists && comparison.current.isComplete)
            if isDropped && holdsNoLonger && !first.doubts.includes(stored.association) {
                comparison.retractions.append(stored.association)
            }
            if isListing {
                known[stored.fingerprint] = stored.sources
            } else if exists {
                try comparison.checkRow(stored)
                try comparison.plan.judge(
                    stored.association, stored.fingerprint, place: nil, sources: stored.sources, first)
            }
        }
        for (fingerprint, association) in listedExtra.sorted(by: { $0.value < $1.value }) {
            try comparison.plan.judge(
                association, fingerprint, place: nil, sources: known[fingerprint] ?? [], first)
        }
        self = comparison
    }
}

// MARK: - What the guard needs to know

extension Comparison {
    /// Counts the associations, and their owners, that the scope could delete.
    private mutating func countScope(_ first: FirstReading) throws {
        let kinds = kinds
        var owners = FingerprintSet()
        var inScope = 0
        switch options.scope {
        case .none: break
        case .owned:
            inScope = assertedBefore
            // The owners only matter where enough of them would lose a cart.
            if plan.losses.count >= options.planGuard.minOwners {
                try ledger.forEachAssociation(from: options.source) {
                    $0.isAsserted && kinds.contains($0.ownerKind)
                } visit: {
                    owners.insert(key.fingerprint($0.association.owner))
                }
            }
        case .listed, .all:
            func count(_ association: Association) {
                let isInScope = options.scope == .all || first.lists(association.owner)
                guard isInScope && kinds.contains(association.owner.kind) else { return }
                inScope += 1
                owners.insert(key.fingerprint(association.owner))
            }
            if current.source == .api {
                current.listed.forEach(count)
            } else {
                try ledger.forEachAssociation(from: options.source, where: \.exists) { count($0.association) }
            }
        }
        figures.inScope = inScope
        figures.ownersInScope = owners.count
    }

    private mutating func finishFigures() throws {
        figures.records = exports.records
        figures.rejected = plan.counts.rejected
        figures.usable = figures.records - figures.rejected
        figures.isSnapshot = !exports.isDelta
        figures.deletes = plan.counts.deletes
        figures.ownersLosing = plan.losses.count
        // A short export costs nothing where nothing is deleted, and imports by hand are of any length.
        figures.earlierVolumes = options.scope == .none ? [] : try ledger.acceptedVolumes(of: options.source)
    }
}
