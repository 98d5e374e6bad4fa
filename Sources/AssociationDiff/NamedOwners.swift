package import CartAssociations
package import DurableFiles

/// Finds the rows whose owners an export names.
///
/// Memory stays within the budget, plus about 10 MB and a bit for each row; the rest goes to a nameless temporary file.
package struct NamedOwners: ~Copyable {
    /// What was found.
    package struct Rows: Sendable {
        /// The rows whose owners are named.
        package private(set) var rows: RecordSet
        /// The owners that are named and have a row.
        package private(set) var owners = 0

        fileprivate init(rows: Int) {
            self.rows = RecordSet(capacity: rows)
        }

        fileprivate mutating func add(_ row: Int, isFirstOfOwner: Bool) {
            rows.insert(row)
            if isFirstOfOwner { owners += 1 }
        }
    }

    private var store: PartitionedItems<PartitionedItem>
    private var rows = 0

    /// - Parameters:
    ///   - memoryBudget: bytes kept in memory.
    ///   - spillFolder: the folder of the temporary file, which is made only when it is needed.
    package init(memoryBudget: Int, spillFolder: String) {
        store = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
    }

    /// Adds an owner that the export names, once or several times.
    ///
    /// Throws if the temporary file cannot be written.
    package mutating func add(_ owner: Fingerprint) throws(FileError) {
        try store.append(PartitionedItem(owner, sides: .wanted, position: 0), of: owner)
    }

    /// Adds the owner of a row, by the row's number.
    ///
    /// Throws if the temporary file cannot be written.
    package mutating func add(_ owner: Fingerprint, row: Int) throws(FileError) {
        rows = max(rows, row + 1)
        try store.append(PartitionedItem(owner, sides: .row, position: UInt64(row)), of: owner)
    }

    /// The rows among those added whose owners are among those added.
    ///
    /// Throws if the temporary file cannot be read.
    package consuming func find() throws(FileError) -> Rows {
        var found = Rows(rows: rows)
        var table = PartitionTable()
        for partition in 0..<store.partitions where store.count(in: partition) > 0 {
            table.reset(capacity: store.count(in: partition))
            try store.forEach(in: partition) { item in
                if item.isRecord { _ = table.known(item) }
            }
            try store.forEach(in: partition) { item in
                let known = table.sides(of: item)
                guard item.isRow, known.contains(.wanted) else { return }
                found.add(item.position, isFirstOfOwner: !known.contains(.row))
                _ = table.merge(item)
            }
            store.drop(partition)
        }
        return found
    }
}
