/// A set of records or rows by their position, one bit each: records are counted in the order in which they were added
/// as wanted or unwanted, from 0; rows have the numbers they were added with.
package struct RecordSet: Sendable {
    /// Empty until the first position is in the set: most sets of most runs stay empty.
    private var words: [UInt64] = []
    private let capacity: Int
    package private(set) var count = 0

    package init(capacity: Int) {
        self.capacity = capacity
    }

    package var isEmpty: Bool { count == 0 }

    /// Whether the record at this position is in the set; false beyond the last record.
    package func contains(_ position: Int) -> Bool {
        let word = position >> 6
        guard position >= 0, word < words.count else { return false }
        return words[word] >> UInt64(position & 63) & 1 == 1
    }

    package mutating func insert(_ position: Int) {
        if words.isEmpty { words = [UInt64](repeating: 0, count: (capacity + 63) / 64) }
        let bit = UInt64(1) << UInt64(position & 63)
        if words[position >> 6] & bit == 0 {
            words[position >> 6] |= bit
            count += 1
        }
    }
}
