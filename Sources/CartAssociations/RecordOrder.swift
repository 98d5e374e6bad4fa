/// One order in which the records of an export may stand.
package struct RecordOrder: Sendable, Hashable {
    /// What the records are sorted by.
    package enum Key: Int, Sendable, Hashable, CaseIterable {
        case owner, cart
    }

    /// How two keys are compared; other orders, as those of some databases, are not recognised.
    package enum Comparison: Int, Sendable, Hashable, CaseIterable {
        /// Byte by byte.
        case bytes
        /// Byte by byte, without regard to the case of ASCII letters.
        case letters
        /// As bytes, but each run of digits as a number: `c-9` comes before `c-10`.
        case numbers
    }

    package let key: Key
    package let comparison: Comparison
    package let isDescending: Bool

    package init(key: Key, comparison: Comparison, isDescending: Bool) {
        self.key = key
        self.comparison = comparison
        self.isDescending = isDescending
    }

    package static let all: [RecordOrder] = Key.allCases.flatMap { key in
        Comparison.allCases.flatMap { comparison in
            [false, true].map { RecordOrder(key: key, comparison: comparison, isDescending: $0) }
        }
    }

    /// The set of this order alone.
    package var alone: RecordOrders {
        RecordOrders(rawValue: Self.bit(key, comparison, isDescending: isDescending))
    }

    /// The ledger has these bits: they stay as they are.
    @inline(__always)
    fileprivate static func bit(_ key: Key, _ comparison: Comparison, isDescending: Bool) -> Int {
        1 << (key.rawValue << 3 | comparison.rawValue << 1 | (isDescending ? 1 : 0))
    }

    /// The order in words, for programs that read about a run.
    fileprivate var name: String { "\(key) by \(comparison)\(isDescending ? ", descending" : "")" }

    /// Whether a key comes before another one in this order.
    package func isBefore(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        let difference = comparison.compare(one, other)
        return isDescending ? difference > 0 : difference < 0
    }
}

/// The orders that all records of an export are in: several if keys agree, all for a single record.
package struct RecordOrders: OptionSet, Sendable, Hashable {
    package private(set) var rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Every order by a key.
    package static func all(by key: RecordOrder.Key) -> RecordOrders {
        RecordOrders(RecordOrder.all.filter { $0.key == key }.map(\.alone))
    }

    /// Removes the orders in which a key does not come before the next one, or together with it.
    package mutating func narrow(by key: RecordOrder.Key, from one: Span<UInt8>, to next: Span<UInt8>) {
        // Bits, because the compiler makes a set of sets of an array at every call.
        for comparison in RecordOrder.Comparison.allCases {
            let ascending = RecordOrder.bit(key, comparison, isDescending: false)
            let descending = RecordOrder.bit(key, comparison, isDescending: true)
            guard rawValue & (ascending | descending) != 0 else { continue }
            let difference = comparison.compare(one, next)
            // Equal bytes are equal in every order.
            if comparison == .bytes && difference == 0 { return }
            if difference > 0 { rawValue &= ~ascending }
            if difference < 0 { rawValue &= ~descending }
        }
    }
}

extension RecordOrders: Codable {
    package init(from decoder: any Decoder) throws {
        let names = try decoder.singleValueContainer().decode([String].self)
        self.init(RecordOrder.all.filter { names.contains($0.name) }.map(\.alone))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(RecordOrder.all.filter { contains($0.alone) }.map(\.name))
    }
}

extension RecordOrder.Comparison {
    /// Below zero if the first key comes before the second in ascending order, above zero if behind it.
    func compare(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Int {
        switch self {
        case .bytes: Self.compareBytes(one, other) { $0 }
        case .letters: Self.compareBytes(one, other) { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        case .numbers: Self.compareNumbers(one, other)
        }
    }

    @inline(__always)
    private static func compareBytes(
        _ one: Span<UInt8>, _ other: Span<UInt8>, _ folded: (UInt8) -> UInt8
    ) -> Int {
        let shared = min(one.count, other.count)
        var index = 0
        while index < shared {
            let (left, right) = (folded(one[index]), folded(other[index]))
            if left != right { return left < right ? -1 : 1 }
            index &+= 1
        }
        return one.count - other.count
    }

    private static func compareNumbers(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Int {
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        /// The digits of the number that begins there, without leading zeros.
        func number(_ key: Span<UInt8>, _ start: Int) -> Range<Int> {
            var begin = start
            while begin < key.count, key[begin] == 0x30 { begin &+= 1 }
            var end = begin
            while end < key.count, isDigit(key[end]) { end &+= 1 }
            return begin..<end
        }
        var (left, right) = (0, 0)
        while left < one.count, right < other.count {
            if isDigit(one[left]), isDigit(other[right]) {
                let (first, second) = (number(one, left), number(other, right))
                if first.count != second.count { return first.count - second.count }
                let difference = compareBytes(one.extracting(first), other.extracting(second)) { $0 }
                if difference != 0 { return difference }
                (left, right) = (first.upperBound, second.upperBound)
            } else {
                if one[left] != other[right] { return one[left] < other[right] ? -1 : 1 }
                left &+= 1
                right &+= 1
            }
        }
        return (one.count - left) - (other.count - right)
    }
}
