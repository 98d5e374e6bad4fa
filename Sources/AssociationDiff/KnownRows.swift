package import CartAssociations
package import DurableFiles

/// What the ledger's rows say, by their fingerprints, for `AssociationDiff.join`: filled in any order, also by another thread
/// while the records are added to the comparison.
///
/// Memory stays within the budget, plus about 4 MB; the rest goes to a nameless temporary file.
package struct KnownRows: ~Copyable, Sendable {
    /// Items whose position is twice the row's number, and one more for an account.
    private var store: PartitionedItems<PartitionedItem>
    /// One more than the highest row number added so far.
    private(set) var count = 0

    /// Starts without rows; they spill into a temporary file in `spillFolder`, which is made only when it is needed.
    package init(memoryBudget: Int, spillFolder: String) {
        store = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
    }

    /// Adds what the row of this number says: that the association exists, is asserted, or both.
    ///
    /// Rows are numbered from 0; no number and no fingerprint may come twice. Throws if the temporary file cannot
    /// be written.
    package mutating func add(
        _ fingerprint: Fingerprint, row: Int, of kind: OwnerKind, to sides: AssociationDiff.Sides
    ) throws(FileError) {
        count = max(count, row + 1)
        let position = UInt64(row) << 1 | (kind == .account ? 1 : 0)
        try store.append(PartitionedItem(fingerprint, sides: sides.ofRow, position: position), of: fingerprint)
    }

    func count(in partition: Int) -> Int { store.count(in: partition) }

    /// Visits a partition's rows of these kinds of owners, with their numbers as positions.
    func forEach(
        in partition: Int, of kinds: Set<OwnerKind>, _ visit: (PartitionedItem) -> Void
    ) throws(FileError) {
        let customers = kinds.contains(.customer)
        let accounts = kinds.contains(.account)
        try store.forEach(in: partition) { item in
            let isWanted = item.position & 1 == 1 ? accounts : customers
            if isWanted { visit(item.at(position: UInt64(item.position >> 1))) }
        }
    }
}
