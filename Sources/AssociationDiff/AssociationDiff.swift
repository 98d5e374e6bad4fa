package import CartAssociations
import Dispatch
package import DurableFiles
import Synchronization

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

    /// Joins everything added and leaves the comparison empty; two threads share the work if there is much.
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
        let store = exchange(
            &store, with: PartitionedItems(memoryBudget: store.memoryBudget, spillFolder: store.spillFolder))
        let known = known ?? KnownRows(memoryBudget: 0, spillFolder: store.spillFolder)
        let difference = Mutex(Difference(records: records, rows: known.count))
        let failure = Mutex<FileError?>(nil)
        let next = Atomic(0)
        // For less, a second thread costs more than it saves.
        let threads = records + known.count < 1 << 14 ? 1 : 2
        records = 0
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            var table = PartitionTable()
            while failure.withLock({ $0 == nil }) {
                let partition = next.add(1, ordering: .relaxed).oldValue
                guard partition < store.partitions else { return }
                do throws(FileError) {
                    let repeated = try table.fill(from: store, known, partition, of: kinds)
                    let hasContradictions = difference.withLock { difference in
                        difference.addRepeated(repeated)
                        table.forEach { difference.add($0, listingExtra: listingExtra) }
                        return difference.hasNewContradictions
                    }
                    guard hasContradictions else { continue }
                    let contradictory = try table.contradictoryRecords(of: store, partition)
                    difference.withLock { $0.addContradictory(contradictory) }
                } catch {
                    failure.withLock { $0 = error }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return difference.withLock { $0 }
    }
}

extension PartitionTable {
    /// Takes a partition's items in; returns the records that repeat an earlier one of the same kind.
    fileprivate mutating func fill(
        from store: borrowing PartitionedItems<PartitionedItem>, _ known: borrowing KnownRows, _ partition: Int,
        of kinds: Set<OwnerKind>
    ) throws(FileError) -> [Int] {
        var repeated: [Int] = []
        reset(capacity: store.count(in: partition) + known.count(in: partition))
        try store.forEach(in: partition) { item in
            let isNew = merge(item)
            if item.isRecord && !isNew { repeated.append(item.position) }
        }
        try known.forEach(in: partition, of: kinds) { _ = merge($0) }
        return repeated
    }

    /// A partition's records whose association is both wanted and unwanted.
    fileprivate func contradictoryRecords(
        of store: borrowing PartitionedItems<PartitionedItem>, _ partition: Int
    ) throws(FileError) -> [Int] {
        var records: [Int] = []
        try store.forEach(in: partition) { item in
            if item.isRecord && sides(of: item).isSuperset(of: [.wanted, .unwanted]) { records.append(item.position) }
        }
        return records
    }
}
