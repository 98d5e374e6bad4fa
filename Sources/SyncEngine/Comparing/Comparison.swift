import AssociationDiff
import CartAssociations
import ExportFiles
import Ledger

/// Compares what the exports want with what exists, and drafts the plan and what it tells the ledger.
///
/// First what exists is joined with the first reading; then the exports are read again for the records that differ,
/// and the ledger for the rows that nothing wants. Both have to come in the same order again.
struct Comparison {
    let options: RunOptions
    let exports: RunExports
    let ledger: Ledger
    let key: FingerprintKey
    let current: Current
    let rejects: RejectsFiles
    let notes: LedgerNotes

    var plan: DraftedPlan
    /// What the source asserted before, of the kinds that the exports speak for.
    private(set) var assertedBefore = 0
    /// Repeated records by export.
    var duplicates: [Int] = []
    private(set) var figures = PlanFigures()
    /// Of whose owners the exports name: what the listing showed, or else the ledger's rows, by their number; nil where
    /// the scope does not ask.
    private(set) var ofNamedOwners: NamedOwners.Rows?

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
        notes = LedgerNotes(ledger, source: options.source, run: run)
    }

    /// Joins both sides, reads the exports again for what differs, and judges what they do not want.
    ///
    /// - Parameter owners: the owners that the exports name, where the scope asks for them.
    mutating func compare(
        _ first: FirstReading, _ diff: inout AssociationDiff, owners: consuming NamedOwners?
    ) throws {
        try addKnown(to: &diff)
        if let owners { ofNamedOwners = try findRows(of: owners) }
        let difference = try diff.join(listingExtra: current.source == .api)
        plan.counts.kept = difference.keptCount
        duplicates = zip(first.starts, first.starts.dropFirst()).map { start, end in
            (start..<end).count { difference.repeated.contains($0) && !difference.contradictory.contains($0) }
        }
        var first = first
        if needsSecondReading(difference, first) { try readAgain(difference, &first) }
        if !exports.isDelta { try judgeUnwanted(difference, first) }
        plan.counts.duplicates = duplicates.reduce(0, +)
        plan.counts.rejected = exports.rejected + rejects.conflicts
        figures = try countFigures(first)
    }

    /// The owner kinds that the exports speak for.
    var kinds: Set<OwnerKind> {
        let found = exports.ownerKinds
        guard found.isEmpty else { return found }
        // An empty snapshot speaks for the kinds that its columns name.
        if let kind = options.reading.ownerKind { return [kind] }
        return exports.facts.reduce(into: []) { kinds, facts in
            if facts.shape.mapping[.customer] != nil { kinds.insert(.customer) }
            if facts.shape.mapping[.account] != nil { kinds.insert(.account) }
        }
    }

    /// Whether the run is about this cart at all.
    func speaks(for cart: CartID) -> Bool { options.shard?.contains(cart) ?? true }

    /// What the listing showed of the run's carts.
    var listed: [Association] {
        guard let shard = options.shard else { return current.listed }
        return current.listed.filter { shard.contains($0.cart) }
    }

    /// Adds what exists and what the source asserted before.
    private mutating func addKnown(to diff: inout AssociationDiff) throws {
        var seen = FingerprintSet()
        for association in listed {
            let fingerprint = key.fingerprint(association)
            seen.insert(fingerprint)
            try diff.add(fingerprint, to: .existing)
        }
        let isListing = current.source == .api && current.isComplete
        let existsByLedger = current.source == .ledger
        // Nothing here is worked out again for each of millions of rows.
        let speaksForCustomers = kinds.contains(.customer)
        let speaksForAccounts = kinds.contains(.account)
        let both: AssociationDiff.Sides = [.existing, .asserted]
        var row = 0
        func note(_ standing: Standing) throws -> Bool {
            defer { row += 1 }
            if standing.ownerKind == .customer ? speaksForCustomers : speaksForAccounts {
                let exists = existsByLedger && standing.exists
                if standing.isAsserted {
                    assertedBefore += 1
                    try diff.add(standing.fingerprint, row: row, to: exists ? both : .asserted)
                } else if exists {
                    try diff.add(standing.fingerprint, row: row, to: .existing)
                }
            }
            return isListing && standing.exists != seen.contains(standing.fingerprint)
        }
        try ledger.forEachAssociation(from: options.source, where: note) { _, stored in
            guard speaks(for: stored.association.cart), current.covers(stored.association.owner) else { return }
            if stored.confirmation == nil {
                try notes.confirmed.add(stored.association, stored.fingerprint)
            } else {
                try notes.vanished.add(stored.association, stored.fingerprint)
            }
        }
    }

    private mutating func countFigures(_ first: FirstReading) throws -> PlanFigures {
        try plan.countLosses()
        var figures = try countScope()
        figures.records = exports.records
        figures.rejected = plan.counts.rejected
        figures.usable = figures.records - figures.rejected
        figures.isSnapshot = !exports.isDelta
        figures.deletes = plan.counts.deletes
        figures.ownersLosing = plan.ownersLosing
        // A short export costs nothing where nothing is deleted, and imports by hand are of any length.
        figures.earlierVolumes = options.scope == .none ? [] : try ledger.acceptedVolumes(of: options.source)
        return figures
    }
}
