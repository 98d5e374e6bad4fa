package import CartAssociations
package import DurableFiles

/// Finds the carts that an export gives to more than one owner.
///
/// Memory stays within the budget, plus about 6 MB and 16 to 43 bytes for each cart that is found; the rest goes to a
/// nameless temporary file.
package struct SharedCarts: ~Copyable {
    private var store: PartitionedItems<PartitionedItem>

    /// - Parameters:
    ///   - memoryBudget: bytes kept in memory.
    ///   - spillFolder: the folder of the temporary file, which is made only when it is needed.
    package init(memoryBudget: Int, spillFolder: String) {
        store = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
    }

    /// Adds one record's cart and owner, by the fingerprints of each alone.
    ///
    /// Throws if the temporary file cannot be written.
    package mutating func add(cart: Fingerprint, owner: Fingerprint) throws(FileError) {
        try store.append(PartitionedItem(cart, sides: .wanted, position: owner.low), of: cart)
    }

    /// The carts with several owners among those added.
    ///
    /// Owners are told apart by 59 bits of their keyed fingerprints. Throws if the temporary file cannot be read.
    package consuming func find() throws(FileError) -> FingerprintSet {
        var shared = FingerprintSet()
        var table = PartitionTable()
        for partition in 0..<store.partitions where store.count(in: partition) > 0 {
            table.reset(capacity: store.count(in: partition))
            try store.forEach(in: partition) { item in
                if let known = table.known(item), known.tag != item.tag { shared.insert(item.fingerprint) }
            }
            store.drop(partition)
        }
        return shared
    }
}
