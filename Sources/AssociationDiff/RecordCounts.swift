package import CartAssociations
package import DurableFiles

/// Counts the owners and carts of an export, and the records that repeat another, exactly.
///
/// Memory stays within twice the budget, plus about 20 MB and 22 bytes for each record of the busiest 512th of the carts;
/// the rest goes to nameless temporary files.
package struct RecordCounts: ~Copyable {
    /// What was counted.
    package struct Totals: Sendable, Equatable {
        /// Different owners.
        package var owners = 0
        /// Different carts.
        package var carts = 0
        /// Carts that records give to more than one owner; what a delta deletes gives nothing.
        package var sharedCarts = 0
        /// Records that repeat an earlier one: the same owner, cart and action.
        package var repeated = 0
    }

    private var carts: PartitionedItems
    private var owners: PartitionedItems
    private var lastOwner: Fingerprint?

    /// - Parameters:
    ///   - memoryBudget: bytes kept in memory for each of owners and carts.
    ///   - spillFolder: the folder of the temporary files, which are made only when they are needed.
    package init(memoryBudget: Int, spillFolder: String) {
        carts = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
        owners = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
    }

    /// Adds one record, by the fingerprints of its cart and owner alone.
    ///
    /// Throws if a temporary file cannot be written.
    package mutating func add(cart: Fingerprint, owner: Fingerprint, isDelete: Bool) throws(FileError) {
        // The records of one cart are told apart by 59 bits of the owner's fingerprint, and by what they ask for.
        try carts.append(PartitionedItem(cart, sides: isDelete ? .unwanted : .wanted, position: owner.low))
        // Most exports name the carts of an owner one after the other.
        guard owner != lastOwner else { return }
        lastOwner = owner
        try owners.append(PartitionedItem(owner, sides: .wanted, position: 0))
    }

    /// Counts everything added.
    ///
    /// Throws if a temporary file cannot be read.
    package consuming func count() throws(FileError) -> Totals {
        var totals = Totals()
        var table = PartitionTable()
        for partition in 0..<PartitionedItems.partitions {
            table.reset(capacity: owners.count(in: partition))
            try owners.forEach(in: partition) { item in
                if table.known(item) == nil { totals.owners += 1 }
            }
            owners.drop(partition)
            table.reset(capacity: carts.count(in: partition))
            // Records of a cart that differ from the one in the table: few in most exports.
            var others = FingerprintSet()
            try carts.forEach(in: partition) { totals.add($0, &table, &others) }
            carts.drop(partition)
        }
        return totals
    }
}

extension RecordCounts.Totals {
    /// A side that no record has marks a cart in the table whose second owner was counted.
    private static let isShared = UInt64(AssociationDiff.Sides.existing.rawValue)

    fileprivate mutating func add(
        _ item: PartitionedItem, _ table: inout PartitionTable, _ others: inout FingerprintSet
    ) {
        guard let known = table.known(item) else {
            carts += 1
            return
        }
        if known.tag & ~Self.isShared == item.tag {
            repeated += 1
        } else if item.sides.contains(.wanted) && !known.sides.contains(.wanted) {
            // The first create takes the place in the table, where later ones are compared with it.
            others.insert(known.fingerprintOfAll)
            table.replace(item, tag: item.tag)
        } else {
            if !others.insert(item.fingerprintOfAll) { repeated += 1 }
            if item.sides.contains(.wanted) && known.tag & Self.isShared == 0 {
                sharedCarts += 1
                table.replace(item, tag: known.tag | Self.isShared)
            }
        }
    }
}

extension PartitionedItem {
    /// The fingerprint with the tag mixed in: different for each tag.
    fileprivate var fingerprintOfAll: Fingerprint {
        Fingerprint(high: high, low: low ^ tag &* 0x9E37_79B9_7F4A_7C15)
    }
}
