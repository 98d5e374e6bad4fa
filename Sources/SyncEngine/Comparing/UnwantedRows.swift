import AssociationDiff
import CartAssociations
import Ledger

/// The rows of the ledger that a snapshot does not want, as far as something may follow from them.
struct UnwantedRows: ~Copyable, Sendable {
    private var picked: PickedAssociations
    /// Other rows that exist and are not wanted: how many another source asserts, and how many none does.
    private(set) var passedOver = (asserted: 0, unasserted: 0)

    /// Reads the ledger for them.
    ///
    /// Throws if the ledger does not hold what was joined: a row is known by its number, and a delete may rest on it.
    ///
    /// - Parameters:
    ///   - listed: what the store's listing shows and the snapshot does not want.
    ///   - judgesAll: whether something may follow from what the source did not assert.
    ///   - goesOn: throws once nobody needs them any more.
    init(
        of difference: Difference, in ledger: Ledger, source: String, listed: Set<Fingerprint>, judgesAll: Bool,
        goesOn: () throws -> Void
    ) throws {
        var picked = ledger.pickedAssociations()
        var passedOver = (asserted: 0, unasserted: 0)
        var sum = RowSum()
        let (droppedRows, extraRows, judgesListed) = (difference.droppedRows, difference.extraRows, !listed.isEmpty)
        try ledger.forEachAssociation(from: source) { row in
            judgesListed || droppedRows.contains(row) || extraRows.contains(row)
        } where: { row, standing in
            try goesOn()
            let isDropped = droppedRows.contains(row)
            let isExtra = extraRows.contains(row)
            if isDropped || isExtra { sum.add(standing.fingerprint, row: row) }
            if isDropped || isExtra && judgesAll { return true }
            if isExtra {
                if standing.isAssertedByOthers { passedOver.asserted += 1 } else { passedOver.unasserted += 1 }
            }
            return listed.contains(standing.fingerprint)
        } visit: {
            try picked.add(PickedAssociation(row: $0, $1))
        }
        guard sum == difference.unwantedRows else {
            throw LedgerError(
                .damaged, path: ledger.folder, problem: "the ledger changed while the run compared it with the export",
                advice: "run the command again; if that says the same, \(LedgerError.rebuildAdvice(ledger.folder))")
        }
        self.picked = picked
        self.passedOver = passedOver
    }

    /// Visits the rows, each time in the same order.
    mutating func forEach(_ visit: (PickedAssociation) throws -> Void) throws { try picked.forEach(visit) }
}
