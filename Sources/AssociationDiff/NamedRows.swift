package import CartAssociations
package import DurableFiles

/// Finds the rows with a name that an export has: of an owner, or of anything that has a fingerprint.
///
/// Memory stays within the budget, plus about 6 MB and a bit for each row; the rest goes to a nameless temporary file.
package struct NamedRows: ~Copyable {
    /// What was found.
    package struct Rows: Sendable {
        /// The rows whose names are in the export.
        package fileprivate(set) var rows: RecordSet
        /// The names of the export that have a row.
        package fileprivate(set) var names = 0
    }

    private var store: PartitionedItems<PartitionedItem>
    private var rows = 0

    /// - Parameters:
    ///   - memoryBudget: bytes kept in memory.
    ///   - spillFolder: the folder of the temporary file, which is made only when it is needed.
    package init(memoryBudget: Int, spillFolder: String) {
        store = PartitionedItems(memoryBudget: memoryBudget, spillFolder: spillFolder)
    }

    /// Adds a name that the export has, once or several times.
    ///
    /// Throws if the temporary file cannot be written.
    ///
    /// - Parameter position: a number below 2^59 that `forEachMatch` tells, of a name's first time.
    package mutating func add(_ name: Fingerprint, position: UInt64 = 0) throws(FileError) {
        try store.append(PartitionedItem(name, sides: .wanted, position: position), of: name)
    }

    /// Adds the name of a row, by the row's number.
    ///
    /// Throws if the temporary file cannot be written.
    package mutating func add(_ name: Fingerprint, row: Int) throws(FileError) {
        rows = max(rows, row + 1)
        try store.append(PartitionedItem(name, sides: .row, position: UInt64(row)), of: name)
    }

    /// The rows among those added whose names are among those added.
    ///
    /// Throws if the temporary file cannot be read.
    package consuming func find() throws(FileError) -> Rows {
        var found = Rows(rows: RecordSet(capacity: rows))
        try forEachMatch { row, _, isFirst in
            found.rows.insert(row)
            if isFirst { found.names += 1 }
        }
        return found
    }

    /// Visits the rows whose names are among those added, in no order.
    ///
    /// Throws if the temporary file cannot be read.
    ///
    /// - Parameter visit: gets the row, the position of the name, and whether no other row of the name came before.
    package consuming func forEachMatch(
        _ visit: (_ row: Int, _ position: UInt64, _ isFirst: Bool) -> Void
    ) throws(FileError) {
        var table = PartitionTable()
        for partition in 0..<store.partitions where store.count(in: partition) > 0 {
            table.reset(capacity: store.count(in: partition))
            try store.forEach(in: partition) { item in
                if item.isRecord { _ = table.known(item) }
            }
            try store.forEach(in: partition) { item in
                guard item.isRow, let name = table.name(of: item) else { return }
                visit(item.position, UInt64(name.position), !name.sides.contains(.row))
                _ = table.merge(item)
            }
            store.drop(partition)
        }
    }
}
