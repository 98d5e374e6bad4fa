package import CartAssociations
package import DurableFiles

/// Compares what an export wants with what exists, as sets of fingerprints.
///
/// Both sides are added in any order and any number; `join` then says which differ. Memory stays within the budget,
/// plus about 6 MB and a few bits for each record and row; the rest goes to a nameless temporary file. A record is
/// known by its position, the number of records added before it, and a row of the ledger by its number: a second
/// reading of the same export, or of the same ledger, can tell from one bit whether it is in the difference.
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
        /// A row of the ledger says so, and its number is known.
        static let row = Sides(rawValue: 16)

        /// The bits of a record's sides.
        fileprivate static let recordBits: UInt8 = 3

        /// The sides of a row that says so.
        var ofRow: Sides { Sides(rawValue: rawValue & ~Self.recordBits | Sides.row.rawValue) }
    }

    private var store: PartitionedItems<PartitionedItem>
    /// Records added so far, wanted and unwanted: the position of the next one.
    private(set) var records = 0

    /// Starts an empty comparison that keeps at most `memoryBudget` bytes of fingerprints in memory and spills the
    /// rest into a temporary file in `spillFolder`, which is made only when it is needed.
    package init(memoryBudget: Int, spillFolder: String) {
        store = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
    }

    /// Adds a fingerprint to one side, or to several at once; one call may hold one of `wanted` and `unwanted`.
    ///
    /// Throws if the temporary file cannot be written.
    package mutating func add(_ fingerprint: Fingerprint, to sides: Sides) throws(FileError) {
        var position: UInt64 = 0
        // Bits, because the compiler makes a set of sets of an array at every call.
        if sides.rawValue & Sides.recordBits != 0 {
            position = UInt64(records)
            records += 1
        }
        try store.append(PartitionedItem(fingerprint, sides: sides, position: position), of: fingerprint)
    }

    /// Joins everything added and leaves the comparison empty.
    ///
    /// Throws if a temporary file cannot be read.
    ///
    /// - Parameters:
    ///   - known: what the ledger's rows say.
    ///   - kinds: the kinds of owners whose rows count.
    ///   - listingExtra: false holds no fingerprint of what exists and is not wanted; the rows are known all the same.
    package mutating func join(
        with known: consuming KnownRows? = nil, of kinds: Set<OwnerKind> = Set(OwnerKind.allCases),
        listingExtra: Bool = true
    ) throws(FileError) -> Difference {
        var known = known ?? KnownRows(memoryBudget: 0, spillFolder: store.spillFolder)
        var difference = Difference(records: records, rows: known.count)
        var table = PartitionTable()
        for partition in 0..<store.partitions {
            let count = store.count(in: partition) + known.count(in: partition)
            guard count > 0 else { continue }
            table.reset(capacity: count)
            try store.forEach(in: partition) { item in
                let new = table.merge(item)
                difference.countRecord(item, isNew: new)
            }
            try known.forEach(in: partition, of: kinds) { _ = table.merge($0) }
            table.forEach { difference.add($0, listingExtra: listingExtra) }
            if difference.hasNewContradictions {
                try store.forEach(in: partition) { item in
                    difference.addContradiction(item, joined: table.sides(of: item))
                }
            }
            store.drop(partition)
            known.drop(partition)
        }
        store = PartitionedItems(memoryBudget: store.memoryBudget, spillFolder: store.spillFolder)
        records = 0
        return difference
    }
}
