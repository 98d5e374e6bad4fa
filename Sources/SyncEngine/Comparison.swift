import AssociationDiff
import CartAssociations
import DequeModule
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
    private(set) var duplicates: [Int] = []
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
        var export = 0
        // Picked records that were not yet asked about.
        var picked = Deque<Int>()
        // Visits come in the order of the selections, and maybe some records later.
        var selected = Deque<(position: Int, fingerprint: Fingerprint)>()
        let starts = first.starts
        func differs(_ position: Int) -> Bool {
            difference.missing.contains(position) || difference.unasserted.contains(position)
                || difference.contradictory.contains(position)
        }
        // A delta and a cart with two owners are judged record by record.
        let canPick = !exports.isDelta && !doubts.hasSharedCarts
        func pick(_ export: Int, _ record: Int) -> Bool {
            let position = starts[export] + record - 1
            guard differs(position) else { return false }
            picked.append(position)
            return true
        }
        try exports.read(picking: canPick ? pick : nil) { kind, action, owner, cart in
            let present = picked.popFirst() ?? position
            position = present + 1
            let isWanted = differs(present) || action != nil || doubts.isShared(cart: cart)
            if isWanted { selected.append((present, comparison.key.fingerprint(kind, owner: owner, cart: cart))) }
            return isWanted
        } visit: { index, record in
            switch record {
            case .rejected(let record): try comparison.rejects.add(record, of: index)
            case .usable(let record):
                let fingerprint = comparison.key.fingerprint(record.association)
                // A record may turn out to be unusable only when it is decoded: it is passed over here.
                while let next = selected.popFirst() {
                    guard next.fingerprint == fingerprint else { continue }
                    return try comparison.take(record, fingerprint, at: next.position, of: index, difference, &doubts)
                }
                throw RunFailure.bug("line \(record.place.line) of the export was read that nobody asked for")
            }
        } endOfExport: {
            export += 1
            position = starts[export]
        }
        self = comparison
        first = doubts
    }

    private mutating func take(
        _ record: ExportRecord, _ fingerprint: Fingerprint, at position: Int, of index: Int, _ difference: Difference,
        _ first: inout FirstReading
    ) throws {
        let association = record.association
        let isMissing = difference.missing.contains(position)
        // Where nobody knows whether the cart is there, the run finds out.
        let needsCart =
            isMissing && options.createsCarts && record.cartName != nil && !current.carts.contains(association.cart)
        let newCart =
            needsCart ? NewCart(name: record.cartName ?? "", description: record.cartDescription) : nil
        let badName =
            needsCart && newCart == nil
            ? RejectReason(
                .badCartName,
                "cart \(association.cart) is to be created, and its name or description is not 1 to "
                    + "\(NewCart.mostCharacters) characters")
            : nil
        if let reason = conflict(association, difference.contradictory.contains(position), first) ?? badName {
            let rejected = RejectedRecord(
                place: record.place, reason: reason, raw: record.raw, cart: association.cart.text,
                owner: association.owner.id.text)
            try rejects.add(rejected, of: index, isConflict: true)
            first.doubt(rejected)
            let isRepeated = difference.repeated.contains(position)
            if isRepeated && !difference.contradictory.contains(position) { duplicates[index] -= 1 }
            return
        }
        if isMissing {
            let change = Change(.create, association, place: record.place, newCart: newCart)
            try plan.add(change, fingerprint)
        }
        // What a delta names is asserted anew, so that an earlier run that was stopped does not come back to it.
        if difference.unasserted.contains(position) || record.action == .create {
            let isSeen = !isMissing && current.source == .api
            try notes.assertions.add(
                association, fingerprint, place: record.place, confirmation: isSeen ? .listed : nil)
        }
        if record.action == .delete && !difference.repeated.contains(position) {
            try takeDelete(
                record, fingerprint, isSeen: difference.unwantedExisting.contains(position), first.doubts)
        }
    }

    /// Judges what a delta says to delete.
    private mutating func takeDelete(
        _ record: ExportRecord, _ fingerprint: Fingerprint, isSeen: Bool, _ doubts: Doubts
    ) throws {
        let association = record.association
        let sources = try ledger.association(association)?.sources ?? []
        // Without a complete listing nobody knows that it is gone, and the export names it.
        let mayExist = isSeen || current.source != .api || !current.isComplete
        // The record names the owner itself.
        if mayExist {
            try plan.judge(
                association, fingerprint, place: record.place, sources: sources, isOwnerNamed: true, doubts)
        }
        let isAssertedElsewhere = sources.contains { $0 != options.source }
        if sources.contains(options.source) && (isAssertedElsewhere || !mayExist) {
            try notes.retractions.add(association, fingerprint)
        }
    }

    private func conflict(_ association: Association, _ isContradictory: Bool, _ first: FirstReading) -> RejectReason? {
        if isContradictory { return .createAndDelete(association) }
        guard first.isShared(association.cart) else { return nil }
        return RejectReason(
            .conflict, "cart \(association.cart) has two owners in the export, and may have only one")
    }
}
