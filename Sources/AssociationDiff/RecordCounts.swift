package import CartAssociations
package import DurableFiles

/// Counts the owners and carts of an export, and the records that repeat another, exactly.
///
/// Owners and carts are told apart by 73 bits of their keyed fingerprints, and the records of one cart by 62 bits of their
/// owners': for ten million records the chance of a wrong count is about 1e-8, and 1e-5 if they all name one cart.
///
/// Memory stays within twice the budget, plus about 12 MB and 24 to 48 bytes for each record of the busiest 512th of the carts
/// and for each record of a cart that differs from its first; the rest goes to nameless temporary files.
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

    private var carts: PartitionedItems<CartRecord>
    private var owners: PartitionedItems<UInt64>
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
        try carts.append(CartRecord(cart: cart.low, mark: RecordMark(owner, isDelete: isDelete)), of: cart)
        // Most exports name the carts of an owner one after the other. Halves are compared one by one: the compiler would
        // call the struct's comparison across the module.
        if let last = lastOwner, last.low == owner.low && last.high == owner.high { return }
        lastOwner = owner
        try owners.append(owner.low, of: owner)
    }

    /// Counts everything added.
    ///
    /// Throws if a temporary file cannot be read.
    package consuming func count() throws(FileError) -> Totals {
        var totals = Totals()
        var table = KeyTable()
        // What the first record of each cart says, by its slot in the table.
        var marks: [RecordMark] = []
        for partition in 0..<owners.partitions {
            table.reset(capacity: owners.count(in: partition))
            try owners.forEachBlock(in: partition) { totals.add(owners: $0, &table) }
            owners.drop(partition)
            table.reset(capacity: carts.count(in: partition))
            if marks.count < table.size { marks = [RecordMark](repeating: RecordMark(), count: table.size) }
            // Records of a cart that differ from its first: few in most exports.
            var others = FingerprintSet()
            try carts.forEachBlock(in: partition) { totals.add(records: $0, &table, &marks, &others) }
            carts.drop(partition)
        }
        return totals
    }
}

/// A record without the nine bits that its partition has: its cart, and what it says of it.
struct CartRecord: BitwiseCopyable {
    let cart: UInt64
    let mark: RecordMark
}

/// What one record says of its cart: 62 bits of the owner's fingerprint, and whether it deletes.
struct RecordMark: BitwiseCopyable {
    private var bits: UInt64 = 0

    init() {}

    init(_ owner: Fingerprint, isDelete: Bool) {
        bits = owner.low << 2 | (isDelete ? 2 : 0)
    }

    var isDelete: Bool { bits & 2 != 0 }

    /// Whether the cart's second owner was counted; only in the table.
    var isShared: Bool {
        get { bits & 1 != 0 }
        set { bits = bits & ~1 | (newValue ? 1 : 0) }
    }

    func isSame(as other: RecordMark) -> Bool { (bits ^ other.bits) & ~1 == 0 }

    func fingerprint(of cart: UInt64) -> Fingerprint {
        Fingerprint(high: cart, low: cart ^ bits &* 0x9E37_79B9_7F4A_7C15)
    }
}

/// An open-addressing table of the owners or carts of one partition, at most two thirds full.
private struct KeyTable {
    /// Zero is an empty slot. A key of zero is kept as one, which adds nothing to the chance of a wrong count.
    var keys: [UInt64] = []
    var size: Int { keys.count }

    /// Empties the table and makes room for this many different keys.
    mutating func reset(capacity: Int) {
        var size = 64
        while size < capacity + capacity / 2 { size *= 2 }
        keys.removeAll(keepingCapacity: true)
        keys.append(contentsOf: repeatElement(0, count: size))
    }

    /// The slot of a key, and whether the key is new there.
    @inline(__always)
    static func place(_ key: UInt64, in slots: inout MutableSpan<UInt64>) -> (slot: Int, isNew: Bool) {
        let key = max(key, 1)
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: key) & mask
        while slots[slot] != key {
            if slots[slot] == 0 {
                slots[slot] = key
                return (slot, true)
            }
            slot = (slot &+ 1) & mask
        }
        return (slot, false)
    }
}

extension RecordCounts.Totals {
    fileprivate mutating func add(owners: Span<UInt64>, _ table: inout KeyTable) {
        var slots = table.keys.mutableSpan
        var new = 0
        for index in owners.indices where KeyTable.place(owners[index], in: &slots).isNew { new &+= 1 }
        self.owners += new
    }

    fileprivate mutating func add(
        records: Span<CartRecord>, _ table: inout KeyTable, _ marks: inout [RecordMark],
        _ others: inout FingerprintSet
    ) {
        var slots = table.keys.mutableSpan
        var marks = marks.mutableSpan
        for index in records.indices {
            let record = records[index]
            let place = KeyTable.place(record.cart, in: &slots)
            if place.isNew {
                carts += 1
                marks[place.slot] = record.mark
            } else {
                add(record, after: &marks[place.slot], &others)
            }
        }
    }

    /// Adds a record of a cart that has another one already.
    private mutating func add(_ record: CartRecord, after known: inout RecordMark, _ others: inout FingerprintSet) {
        let mark = record.mark
        if known.isSame(as: mark) {
            repeated += 1
        } else if !mark.isDelete && known.isDelete {
            // The first create takes the place in the table, where later ones are compared with it.
            others.insert(known.fingerprint(of: record.cart))
            known = mark
        } else {
            if !others.insert(mark.fingerprint(of: record.cart)) { repeated += 1 }
            if !mark.isDelete && !known.isShared {
                sharedCarts += 1
                known.isShared = true
            }
        }
    }
}
