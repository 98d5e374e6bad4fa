import AssociationDiff
import CartAssociations
import Foundation
import Ledger

extension Comparison {
    /// Judges every association that exists, or that the source asserted, and that the snapshot does not want.
    mutating func judgeUnwanted(_ difference: Difference, _ first: FirstReading) throws {
        let isListing = current.source == .api
        let kinds = kinds
        // Bounded by what a listing can show.
        let listed = Dictionary(
            listed.enumerated().filter { kinds.contains($0.element.owner.kind) }.map {
                (key.fingerprint($0.element), $0)
            },
            uniquingKeysWith: { first, _ in first }
        ).filter { difference.extra.contains($0.key) }
        var known: [Fingerprint: [String]] = [:]
        if !listed.isEmpty || !difference.extraRows.isEmpty || !difference.droppedRows.isEmpty {
            var comparison = self
            try forEachUnwantedRow(difference, listed: Set(listed.keys)) { row, stored in
                if isListing { known[stored.fingerprint] = stored.sources }
                // Without a listing the ledger says what exists, also where nothing was compared with it.
                let exists = isListing ? listed[stored.fingerprint] != nil : stored.confirmation != nil
                try comparison.judgeRow(row, stored, exists: exists, first.doubts)
            } leftAlone: { isAssertedElsewhere in
                if isAssertedElsewhere {
                    comparison.plan.counts.protected += 1
                } else {
                    comparison.plan.counts.unmanaged += 1
                }
            }
            self = comparison
        }
        for (fingerprint, (index, association)) in listed.sorted(by: { $0.value.element < $1.value.element }) {
            try plan.judge(
                association, fingerprint, place: nil, sources: known[fingerprint] ?? [],
                isOwnerNamed: ofNamedOwners?.rows.contains(index) == true, first.doubts)
        }
    }

    /// Visits the rows of the ledger that the snapshot does not want: in full where something may follow from them,
    /// else only whether another source asserts them.
    private func forEachUnwantedRow(
        _ difference: Difference, listed: Set<Fingerprint>,
        visit: (Int, StoredAssociation) throws -> Void, leftAlone: (Bool) -> Void
    ) throws {
        let judgesAll = options.scope == .listed || options.scope == .all || options.listsUnmanaged
        // The row at hand, from the question about its number to the one about its standing.
        var isDropped = false
        var isExtra = false
        try ledger.forEachAssociation(from: options.source) { row in
            isDropped = difference.droppedRows.contains(row)
            isExtra = difference.extraRows.contains(row)
            return isDropped || isExtra || !listed.isEmpty
        } where: { standing in
            if isDropped || isExtra && judgesAll { return true }
            if isExtra { leftAlone(standing.isAssertedByOthers) }
            return !listed.isEmpty && difference.extra.contains(standing.fingerprint)
        } visit: {
            try visit($0, $1)
        }
    }

    private mutating func judgeRow(_ row: Int, _ stored: StoredAssociation, exists: Bool, _ doubts: Doubts) throws {
        guard speaks(for: stored.association.cart) else { return }
        let isDropped = stored.sources.contains(options.source)
        let isAssertedElsewhere = stored.sources.count > (isDropped ? 1 : 0)
        // What is in doubt stays asserted: the record that is missing may only be broken.
        let isKnown = current.isComplete && current.covers(stored.association.owner)
        let holdsNoLonger = isAssertedElsewhere || (!exists && isKnown)
        if isDropped && holdsNoLonger && !doubts.includes(stored.association) {
            try notes.retractions.add(stored.association, stored.fingerprint)
        }
        guard exists && current.source != .api else { return }
        try checkRow(stored)
        try plan.judge(
            stored.association, stored.fingerprint, place: nil, sources: stored.sources,
            isOwnerNamed: ofNamedOwners?.rows.contains(row) == true, doubts)
    }

    /// What exists of the owners that the exports name.
    func findRows(of owners: consuming NamedOwners) throws -> NamedOwners.Rows {
        var owners = owners
        let kinds = kinds
        if current.source == .api {
            for (index, association) in listed.enumerated() where kinds.contains(association.owner.kind) {
                try owners.add(key.fingerprint(association.owner), row: index)
            }
        } else {
            var row = -1
            try ledger.forEachOwner(from: options.source) { standing in
                row += 1
                return standing.exists && kinds.contains(standing.ownerKind)
            } visit: {
                try owners.add(key.fingerprint($0, owner: $1), row: row)
            }
        }
        return try owners.find()
    }

    /// A delete that rests on the ledger alone rests on a row whose fingerprint is that of its text.
    private func checkRow(_ stored: StoredAssociation) throws {
        guard key.fingerprint(stored.association) != stored.fingerprint else { return }
        throw LedgerError(
            .damaged, path: ledger.folder, problem: "the ledger's row of \(stored.association) is damaged",
            advice: LedgerError.rebuildAdvice(ledger.folder))
    }

    /// Counts the associations, and their owners, that the scope could delete.
    func countScope() throws -> PlanFigures {
        var figures = PlanFigures()
        // Owners only matter where enough of them would lose a cart and nobody allowed it.
        let needsOwners =
            plan.ownersLosing >= options.planGuard.minOwners && options.planGuard.approvedDeletes == nil
        let kinds = kinds
        let scope = options.scope
        // Distinct owners are counted like everything that may not fit: as fingerprints that spill.
        var owners = AssociationDiff(memoryBudget: SyncRun.fingerprintBudget, spillFolder: ledger.folder)
        switch scope {
        case .none: break
        case .owned:
            figures.inScope = assertedBefore
            guard needsOwners else { break }
            try ledger.forEachOwner(from: options.source) {
                $0.isAsserted && kinds.contains($0.ownerKind)
            } visit: {
                try owners.add(key.fingerprint($0, owner: $1), to: .existing)
            }
        case .listed:
            figures.inScope = ofNamedOwners?.rows.count ?? 0
            figures.ownersInScope = ofNamedOwners?.owners ?? 0
            return figures
        case .all:
            func count(_ kind: OwnerKind, _ owner: Fingerprint) throws {
                guard kinds.contains(kind) else { return }
                figures.inScope += 1
                if needsOwners { try owners.add(owner, to: .existing) }
            }
            if current.source == .api {
                for association in listed {
                    try count(association.owner.kind, key.fingerprint(association.owner))
                }
            } else {
                try ledger.forEachOwner(from: options.source, where: \.exists) {
                    try count($0, key.fingerprint($0, owner: $1))
                }
            }
        }
        figures.ownersInScope = try owners.join(listingExtra: false).existingCount
        return figures
    }
}
