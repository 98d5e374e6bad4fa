package import CartAssociations

/// Compares what an export wants with what exists, as sets of fingerprints.
///
/// Both sides are added in any order and any number; `join` then says which differ. Memory stays within the budget,
/// plus about 10 MB and what the difference itself needs; the rest goes to a nameless temporary file. A record is
/// known by its position, the number of records added before it, so that a second reading of the same export can
/// tell from one bit whether a record is in the difference.
package struct AssociationDiff: ~Copyable {
    /// Which statements about associations a fingerprint belongs to.
    package struct Sides: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A record of the export that wants the association. Takes the next position.
        package static let wanted = Sides(rawValue: 1)
        /// A record of a delta that wants the association gone. Takes the next position.
        package static let unwanted = Sides(rawValue: 2)
        /// The association exists in the store, as far as known.
        package static let existing = Sides(rawValue: 4)
        /// An earlier export of the same source asserted the association.
        package static let asserted = Sides(rawValue: 8)
    }

    private var store: PartitionedItems
    /// Records added so far, wanted and unwanted: the position of the next one.
    package private(set) var records = 0

    /// Starts an empty comparison that keeps at most `memoryBudget` bytes of fingerprints in memory and spills the
    /// rest into a temporary file in `spillFolder`, which is made only when it is needed.
    package init(memoryBudget: Int, spillFolder: String) {
        store = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
    }

    /// Adds a fingerprint to one side, or to several at once; one call may hold one of `wanted` and `unwanted`.
    ///
    /// Throws where the temporary file cannot be written.
    package mutating func add(_ fingerprint: Fingerprint, to sides: Sides) throws(SpillError) {
        var position: UInt64 = 0
        if !sides.isDisjoint(with: [.wanted, .unwanted]) {
            position = UInt64(records)
            records += 1
        }
        try store.append(PartitionedItem(fingerprint, sides: sides, position: position))
    }

    /// Joins everything added and leaves the comparison empty.
    ///
    /// `listingExtra` false counts what exists and is not wanted without holding its fingerprints: where only
    /// what the source itself asserted may be deleted, the rest can be ten million of somebody else's.
    /// Throws where the temporary file cannot be read.
    package mutating func join(listingExtra: Bool = true) throws(SpillError) -> Difference {
        var difference = Difference(records: records)
        var table = PartitionTable()
        for partition in 0..<PartitionedItems.partitions where store.count(in: partition) > 0 {
            table.reset(capacity: store.count(in: partition))
            try store.forEach(in: partition) { item in
                let new = table.merge(item)
                difference.countRecord(item, isNew: new)
            }
            table.forEach { difference.add($0, listingExtra: listingExtra) }
            if difference.hasNewContradictions {
                try store.forEach(in: partition) { item in
                    difference.addContradiction(item, joined: table.sides(of: item))
                }
            }
            store.drop(partition)
        }
        store = PartitionedItems(memoryBudget: store.memoryBudget, spillFolder: store.spillFolder)
        records = 0
        return difference
    }
}
