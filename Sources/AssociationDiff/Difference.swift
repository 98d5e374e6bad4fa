package import CartAssociations

/// How an export's wishes differ from what exists and from what its source asserted before.
package struct Difference: Sendable {
    /// Wanted and not existing: the first record of each such association.
    package private(set) var missing: RecordSet
    /// Wanted and not yet asserted by the source: the first record of each such association.
    package private(set) var unasserted: RecordSet
    /// Unwanted by a delta and existing: the first record of each such association.
    package private(set) var unwantedExisting: RecordSet
    /// Every record whose association the same export both wants and does not want.
    package private(set) var contradictory: RecordSet
    /// Wanted again by a later record of the same kind: every record but the first of each association.
    package private(set) var repeated: RecordSet
    /// Existing and named by no record; empty if only their rows or their number was asked for.
    package private(set) var extra = FingerprintSet()
    /// The rows of the ledger that exist, that no record names, and that the source did not assert.
    package private(set) var extraRows: RecordSet
    /// The rows of the ledger that the source asserted before and no record names.
    package private(set) var droppedRows: RecordSet

    /// Tells whether a later reading of the ledger finds the same in `extraRows` and `droppedRows`.
    package private(set) var unwantedRows = RowSum()

    /// Distinct associations wanted.
    private(set) var wantedCount = 0
    /// Distinct associations that exist, as far as was added.
    package private(set) var existingCount = 0
    /// Wanted and existing: nothing is to be done for them.
    package private(set) var keptCount = 0
    /// The size of `extra`, counted even if it was not listed.
    private(set) var extraCount = 0

    private var contradictions = 0

    init(records: Int, rows: Int) {
        missing = RecordSet(capacity: records)
        unasserted = RecordSet(capacity: records)
        unwantedExisting = RecordSet(capacity: records)
        contradictory = RecordSet(capacity: records)
        repeated = RecordSet(capacity: records)
        extraRows = RecordSet(capacity: rows)
        droppedRows = RecordSet(capacity: rows)
    }

    /// Whether `add` found contradictions since the last answer of true.
    var hasNewContradictions: Bool {
        mutating get {
            defer { contradictions = 0 }
            return contradictions > 0
        }
    }

    mutating func addRepeated(_ records: [Int]) {
        for position in records { repeated.insert(position) }
    }

    mutating func add(_ joined: PartitionedItem, listingExtra: Bool) {
        let sides = joined.sides
        if sides.contains(.existing) { existingCount += 1 }
        if sides.contains(.wanted) && sides.contains(.unwanted) {
            // Neither is done and neither is undone: such records are rejected.
            contradictions += 1
            wantedCount += 1
        } else if sides.contains(.wanted) {
            wantedCount += 1
            if sides.contains(.existing) { keptCount += 1 } else { missing.insert(joined.position) }
            if !sides.contains(.asserted) { unasserted.insert(joined.position) }
        } else if sides.contains(.unwanted) {
            if sides.contains(.existing) { unwantedExisting.insert(joined.position) }
        } else {
            if sides.contains(.existing) {
                extraCount += 1
                if listingExtra { extra.insert(joined.fingerprint) }
            }
            // A row says that its association exists, is asserted, or both.
            if sides.contains(.row) {
                if sides.contains(.asserted) {
                    droppedRows.insert(joined.position)
                } else {
                    extraRows.insert(joined.position)
                }
                unwantedRows.add(joined.fingerprint, row: joined.position)
            }
        }
    }

    mutating func addContradictory(_ records: [Int]) {
        for position in records { contradictory.insert(position) }
    }
}

/// Sums up rows of the ledger by their numbers and fingerprints, in any order: other rows have another sum, but for a
/// chance of 2^-128.
package struct RowSum: Sendable, Equatable {
    private var high: UInt64 = 0
    private var low: UInt64 = 0

    package init() {}

    package mutating func add(_ fingerprint: Fingerprint, row: Int) {
        // Odd factors keep every bit, and tell apart rows that change places.
        let factor = UInt64(row) << 1 | 1
        high &+= fingerprint.high &* factor
        low &+= fingerprint.low &* factor
    }
}
