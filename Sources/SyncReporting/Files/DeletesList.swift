package import CartAssociations
package import DurableFiles

/// Every delete of a plan that waits for a person, in a file of the run's folder: a line each, in the order of the plan.
///
/// Ids have no tabs and no line ends, so that the kind, the owner and the cart of a line are apart by tabs.
package struct DeletesList: Sendable {
    package static let name = "deletes.tsv"
    /// The most bytes that one question reads: one that finds little goes on with the next.
    private static let mostRead = 4 << 20

    /// One delete, as it is shown.
    package struct Row: Encodable, Sendable, Equatable {
        package let kind: OwnerKind
        package let owner: String
        package let cart: String

        package init(kind: OwnerKind, owner: String, cart: String) {
            self.kind = kind
            self.owner = owner
            self.cart = cart
        }
    }

    private let path: String

    /// The list in the folder of a run; nil if it has none.
    package init?(folder: String) {
        path = "\(folder)/\(Self.name)"
        guard FileSystem.exists(path) else { return nil }
    }

    /// Rows from a place on.
    ///
    /// Throws a `FileError`.
    ///
    /// - Parameters:
    ///   - start: an offset in bytes that an earlier question returned; 0 for the beginning.
    ///   - limit: the most rows.
    ///   - names: how owners are shown.
    ///   - search: what the owner, as it is shown, or the cart has to contain; empty for all.
    /// - Returns: the rows, and where the next question begins; nil at the end. Fewer rows than the limit are no sign of the
    ///   end.
    package func rows(
        from start: Int, limit: Int, showing names: OwnerNames, search: String = ""
    ) throws(FileError) -> (rows: [Row], next: Int?) {
        let file = try OpenFile(path, for: .readingNoLink)
        var rows: [Row] = []
        var offset = max(0, start)
        var line: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while offset - start < Self.mostRead {
            var span = block.mutableSpan
            let count = try file.read(into: &span, at: offset + line.count)
            if count == 0 { return (rows, nil) }
            for byte in block[..<count] {
                guard byte == UInt8(ascii: "\n") else {
                    line.append(byte)
                    continue
                }
                offset += line.count + 1
                if let row = Self.row(line, names), row.matches(search) { rows.append(row) }
                line.removeAll(keepingCapacity: true)
                if rows.count == limit { return (rows, try isEnd(file, offset) ? nil : offset) }
            }
        }
        return (rows, offset)
    }

    private func isEnd(_ file: OpenFile, _ offset: Int) throws(FileError) -> Bool {
        var byte: [UInt8] = [0]
        var span = byte.mutableSpan
        return try file.read(into: &span, at: offset) == 0
    }

    private static func row(_ line: [UInt8], _ names: OwnerNames) -> Row? {
        let cells = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard cells.count == 3, let kind = OwnerKind(rawValue: cells[0]), let id = OwnerID(cells[1]) else { return nil }
        let shown = OwnerNames.isHidden(cells[1]) ? cells[1] : names.text(Owner(kind: kind, id: id))
        return Row(kind: kind, owner: shown, cart: cells[2])
    }
}

extension DeletesList.Row {
    fileprivate func matches(_ search: String) -> Bool {
        search.isEmpty || owner.contains(search) || cart.contains(search)
    }
}

extension [DeletesList.Row] {
    /// The rows as lines of a CSV export of their own.
    ///
    /// - Parameter withHeader: whether the names of the columns go first.
    package func table(withHeader: Bool) -> [UInt8] {
        var lines = CSVWriter(.table, columns: ["owner_type", "owner_id", "cart_id"])
        if !withHeader { lines.removeAll() }
        for row in self {
            lines.add(row.kind.rawValue)
            lines.add(row.owner)
            lines.add(row.cart)
            lines.endRow()
        }
        return lines.bytes
    }
}

/// Writes a `DeletesList`; the file has its name only after `finish`.
package struct DeletesListWriter: ~Copyable {
    private var file: DurableFile
    private var lines: [UInt8] = []

    /// Throws a `FileError`, as every function here.
    package init(folder: String) throws { file = try DurableFile(path: "\(folder)/\(DeletesList.name)") }

    /// - Parameter owner: how the owner is shown.
    package mutating func add(_ association: Association, owner: String) throws {
        lines.append(contentsOf: "\(association.owner.kind.rawValue)\t\(owner)\t\(association.cart.text)\n".utf8)
        if lines.count > 1 << 16 { try flush() }
    }

    package mutating func finish() throws {
        try flush()
        try file.finish()
    }

    private mutating func flush() throws {
        try file.append(lines)
        lines.removeAll(keepingCapacity: true)
    }
}
