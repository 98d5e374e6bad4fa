import CartAssociations
import DurableFiles

/// One fingerprint with the sides it belongs to and, for a record, its position: 24 bytes.
struct PartitionedItem: BitwiseCopyable {
    let high: UInt64
    let low: UInt64
    /// The sides in the low five bits, zero only in an empty slot; above them the position of a record, or else the
    /// number of a row.
    fileprivate(set) var tag: UInt64

    static let empty = PartitionedItem(high: 0, low: 0, tag: 0)

    private init(high: UInt64, low: UInt64, tag: UInt64) {
        self.high = high
        self.low = low
        self.tag = tag
    }

    init(_ fingerprint: Fingerprint, sides: AssociationDiff.Sides, position: UInt64) {
        self.init(high: fingerprint.high, low: fingerprint.low, tag: position << 5 | UInt64(sides.rawValue))
    }

    var fingerprint: Fingerprint { Fingerprint(high: high, low: low) }
    var sides: AssociationDiff.Sides { AssociationDiff.Sides(rawValue: UInt8(tag & 31)) }
    var position: Int { Int(tag >> 5) }
    var isRecord: Bool { tag & 3 != 0 }
    var isRow: Bool { sides.contains(.row) }

    func at(position: UInt64) -> PartitionedItem {
        PartitionedItem(high: high, low: low, tag: position << 5 | tag & 31)
    }
}

/// Items in partitions by the first bits of a fingerprint, each small enough to be joined in the cache.
///
/// A partition is a list of blocks. Full blocks stay in memory until the budget is used up; later ones go to the
/// temporary file. Items keep the order in which they were added.
///
/// Unsafe storage: the blocks that are being filled are one piece of memory, which is made in `init` and freed in `deinit`,
/// and never leaves this type. Only what was written is ever read, and what is never touched costs nothing. Nobody else
/// knows of it, so that the whole may go from one thread to another, and several may read it at a time.
@safe struct PartitionedItems<Item: BitwiseCopyable & Sendable>: ~Copyable, @unchecked Sendable {
    let memoryBudget: Int
    let spillFolder: String
    /// 2^9 partitions: of ten million against ten million each holds about a megabyte.
    let partitions = 1 << 9
    /// 8 KiB a block: a comparison has a block for each partition twice.
    private let blockItems = (8 << 10) / MemoryLayout<Item>.stride
    private var file: SpillFile?
    private var spilledBlocks = 0
    private var heldBlocks = 0
    /// A block for each partition, and how many items are in each.
    private let open: UnsafeMutablePointer<Item>
    private let openCounts: UnsafeMutablePointer<Int>
    private var contents: [Partition]

    private struct Partition {
        /// Full blocks in memory; they are all older than the spilled ones.
        var held: [[Item]] = []
        /// Full blocks in the file, by their number.
        var spilled: [Int] = []
    }

    init(memoryBudget: Int, spillFolder: String) {
        self.memoryBudget = memoryBudget
        self.spillFolder = spillFolder
        contents = [Partition](repeating: Partition(), count: partitions)
        unsafe open = .allocate(capacity: partitions * blockItems)
        unsafe openCounts = .allocate(capacity: partitions)
        unsafe openCounts.initialize(repeating: 0, count: partitions)
    }

    deinit {
        unsafe open.deallocate()
        unsafe openCounts.deallocate()
    }

    func count(in partition: Int) -> Int {
        let content = contents[partition]
        return unsafe openCounts[partition] + (content.held.count + content.spilled.count) * blockItems
    }

    /// Adds an item to the partition of its fingerprint, which the first nine bits choose.
    mutating func append(_ item: Item, of fingerprint: Fingerprint) throws(FileError) {
        // Nine bits are below the number of partitions, and a full block is emptied at once.
        let partition = Int(fingerprint.high >> (64 - 9))
        let count = unsafe openCounts[partition]
        unsafe open[partition &* blockItems &+ count] = item
        unsafe openCounts[partition] = count &+ 1
        if count &+ 1 == blockItems { try close(partition) }
    }

    /// Puts a partition's full block away and empties it.
    private mutating func close(_ partition: Int) throws(FileError) {
        let blockBytes = blockItems * MemoryLayout<Item>.stride
        let block = unsafe block(of: partition)
        if (heldBlocks + 1) * blockBytes <= memoryBudget && contents[partition].spilled.isEmpty {
            heldBlocks += 1
            contents[partition].held.append(unsafe Array(block))
        } else {
            if file == nil { file = try SpillFile(folder: spillFolder) }
            // Unsafe only because a raw view may show padding: items have none.
            try file?.write(unsafe block.span.bytes, at: spilledBlocks * blockBytes)
            contents[partition].spilled.append(spilledBlocks)
            spilledBlocks += 1
        }
        unsafe openCounts[partition] = 0
    }

    private func block(of partition: Int) -> UnsafeBufferPointer<Item> {
        unsafe UnsafeBufferPointer(start: open + partition * blockItems, count: openCounts[partition])
    }

    /// Visits a partition's items in the order they were added.
    func forEach(in partition: Int, _ visit: (Item) -> Void) throws(FileError) {
        try forEachBlock(in: partition) { block in
            for index in block.indices { visit(block[index]) }
        }
    }

    /// Visits a partition's items in the order they were added, a block of them at a time.
    func forEachBlock(in partition: Int, _ visit: (Span<Item>) -> Void) throws(FileError) {
        let content = contents[partition]
        for block in content.held { visit(block.span) }
        // Of each visit its own, as several threads may read.
        let block = UnsafeMutableBufferPointer<Item>.allocate(capacity: blockItems)
        defer { unsafe block.deallocate() }
        for number in content.spilled {
            var items = unsafe block.mutableSpan
            // Unsafe only because raw bytes may make an invalid value: any bytes are a valid item.
            var bytes = unsafe items.mutableBytes
            try file?.read(into: &bytes, at: number * bytes.byteCount)
            visit(items.span)
        }
        visit(unsafe self.block(of: partition).span)
    }

    /// Forgets a partition's items, and frees their memory but for its open block.
    mutating func drop(_ partition: Int) {
        contents[partition] = Partition()
        unsafe openCounts[partition] = 0
    }
}

/// An open-addressing table for the items of one partition, at most half full.
struct PartitionTable {
    private var slots: [PartitionedItem] = []
    private var mask = 0

    /// Empties the table and makes room for this many different fingerprints.
    mutating func reset(capacity: Int) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots.removeAll(keepingCapacity: true)
        slots.append(contentsOf: repeatElement(.empty, count: size))
        mask = size - 1
    }

    /// Unites an item with the others of its fingerprint and keeps the first record's position, or else the row's
    /// number; returns false if the item is a record that repeats an earlier one of the same kind.
    mutating func merge(_ item: PartitionedItem) -> Bool {
        let slot = slot(of: item)
        let known = slots[slot]
        if known.tag == 0 {
            slots[slot] = item
            return true
        }
        let isRepeated = item.tag & known.tag & 3 != 0
        if !known.isRecord && (item.isRecord || item.isRow) {
            slots[slot].tag = item.tag | known.tag & 31
        } else {
            slots[slot].tag |= item.tag & 31
        }
        return !isRepeated
    }

    /// The item in the table with the fingerprint of this one; nil if there was none, and then this one is.
    mutating func known(_ item: PartitionedItem) -> PartitionedItem? {
        let slot = slot(of: item)
        if slots[slot].tag != 0 { return slots[slot] }
        slots[slot] = item
        return nil
    }

    /// The record in the table with the fingerprint of this item.
    func name(of item: PartitionedItem) -> PartitionedItem? {
        let known = slots[slot(of: item)]
        return known.isRecord ? known : nil
    }

    func sides(of item: PartitionedItem) -> AssociationDiff.Sides {
        slots[slot(of: item)].sides
    }

    func forEach(_ visit: (PartitionedItem) -> Void) {
        for item in slots where item.tag != 0 { visit(item) }
    }

    private func slot(of item: PartitionedItem) -> Int {
        var slot = Int(truncatingIfNeeded: item.low) & mask
        while slots[slot].tag != 0 && (slots[slot].low != item.low || slots[slot].high != item.high) {
            slot = (slot + 1) & mask
        }
        return slot
    }
}
