import CartAssociations
import ExportFiles

/// In which orders the records of each export stand, and from which key to which they go.
struct KeyRanges {
    /// The records of one owner kind in one export, by one key.
    struct Part {
        let kind: OwnerKind
        let key: RecordOrder.Key
        /// The orders that all records so far are in; once there is none, the keys are not followed any more.
        fileprivate(set) var orders: RecordOrders
        /// The key of the first record; nil before it.
        fileprivate(set) var first: [UInt8]?
        fileprivate(set) var last: [UInt8] = []

        fileprivate init(_ kind: OwnerKind, _ key: RecordOrder.Key) {
            self.kind = kind
            self.key = key
            orders = .all(by: key)
        }

        fileprivate mutating func add(_ records: [JudgedRecord], _ text: Span<UInt8>) {
            var previous: Range<Int>?
            var orders = orders
            for record in records {
                guard let statement = record.statement, statement.kind == kind else { continue }
                let range = (key == .owner ? statement.owner : statement.cart).range
                let value = text.extracting(range)
                if let previous {
                    orders.narrow(by: key, from: text.extracting(previous), to: value)
                } else if first == nil {
                    first = Array(copying: value)
                } else {
                    orders.narrow(by: key, from: last.span, to: value)
                }
                previous = range
                guard !orders.isEmpty else { break }
            }
            self.orders = orders
            if let previous { last = Array(copying: text.extracting(previous)) }
        }
    }

    /// By export; those of a kind that an export does not name have no keys.
    private(set) var parts: [[Part]] = []

    private static let empty: [Part] = OwnerKind.allCases.flatMap { kind in
        RecordOrder.Key.allCases.map { Part(kind, $0) }
    }

    /// Adds the usable records of a batch.
    ///
    /// - Parameter export: the export's position among those of the run, from 0, never less than before.
    mutating func add(_ batch: RecordBatch, of export: Int) {
        while parts.count <= export { parts.append(Self.empty) }
        let text = batch.text.span
        for index in parts[export].indices where !parts[export][index].orders.isEmpty {
            parts[export][index].add(batch.records, text)
        }
    }

    /// The orders that all records of an export are in.
    func orders(of export: Int) -> RecordOrders {
        guard parts.indices.contains(export) else { return [] }
        return RecordOrder.Key.allCases.reduce(into: []) { orders, key in
            let ofKey = parts[export].filter { $0.key == key && $0.first != nil }
            guard !ofKey.isEmpty else { return }
            orders.formUnion(ofKey.reduce(.all(by: key)) { $0.intersection($1.orders) })
        }
    }
}

extension [UInt8] {
    fileprivate init(copying bytes: Span<UInt8>) {
        self = []
        reserveCapacity(bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }
}
