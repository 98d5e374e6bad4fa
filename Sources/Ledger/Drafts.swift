package import CartAssociations
import Foundation

/// Bytes of memory that a draft uses before it spills.
private let draftBudget = 16 << 20

extension Ledger {
    /// An empty plan for a run, to be filled in any order and handed to `appendPlan`.
    package func draftPlan(for run: String) -> PlanDraft {
        PlanDraft(run: run, sorter: RecordSorter(memoryBudget: draftBudget, folder: folder))
    }

    /// An empty list of what an accepted export of `source` asserts, to be filled in any order and handed to
    /// `assert`.
    package func draftAssertions(by source: String, run: String) -> AssertionDraft {
        AssertionDraft(
            source: source, run: run, sorter: RecordSorter(memoryBudget: draftBudget, folder: folder))
    }
}

/// The changes of a run before they are in its journal: any number, in about 25 MB of memory.
///
/// It does not touch the ledger, so that it may be filled while the ledger is being read.
package final class PlanDraft {
    let run: String
    let sorter: RecordSorter
    private var record = ByteRecord()
    package private(set) var creates = 0
    package private(set) var deletes = 0

    init(run: String, sorter: RecordSorter) {
        self.run = run
        self.sorter = sorter
    }

    /// Adds a change; throws where the temporary file cannot be written.
    package func add(_ change: Change, _ fingerprint: Fingerprint) throws(LedgerError) {
        record.removeAll()
        record.append(change.association.cart.text)
        record.append(UInt8(StoredCodes.code(change.kind)))
        record.append(UInt8(StoredCodes.code(change.association.owner.kind)))
        record.append(change.association.owner.id.text)
        record.append(fingerprint)
        record.append(change.place)
        try sorter.add(record)
        switch change.kind {
        case .create: creates += 1
        case .delete: deletes += 1
        }
    }
}

/// What an accepted export asserts before it is in the ledger: any number, in about 25 MB of memory.
///
/// It does not touch the ledger, so that it may be filled while the ledger is being read.
package final class AssertionDraft {
    let source: String
    let run: String
    let sorter: RecordSorter
    private var record = ByteRecord()

    init(source: String, run: String, sorter: RecordSorter) {
        self.source = source
        self.run = run
        self.sorter = sorter
    }

    package var count: Int { sorter.count }

    /// Adds an association that the export asserts, and how it is known to exist where it was seen.
    ///
    /// Throws where the temporary file cannot be written.
    package func add(
        _ association: Association, _ fingerprint: Fingerprint, place: RecordPlace?,
        confirmation: Ledger.Confirmation? = nil
    ) throws(LedgerError) {
        record.removeAll()
        record.append(association.cart.text)
        record.append(UInt8(StoredCodes.code(association.owner.kind)))
        record.append(association.owner.id.text)
        record.append(fingerprint)
        record.append(UInt8(confirmation?.rawValue ?? 0))
        record.append(place)
        try sorter.add(record)
    }
}

extension ByteRecord {
    mutating func append(_ fingerprint: Fingerprint) {
        append(fingerprint.high)
        append(fingerprint.low)
    }

    /// A place is a byte that says whether there is one, and its three numbers.
    mutating func append(_ place: RecordPlace?) {
        guard let place else { return append(UInt8(0)) }
        append(UInt8(1))
        append(UInt64(place.export))
        append(UInt64(place.record))
        append(UInt64(place.line))
    }
}

extension ByteRecord.Reader {
    /// Binds a fingerprint, which has the same bytes in the tables.
    mutating func bindFingerprint(to statement: PreparedStatement, at parameter: Int32) {
        statement.bind(blob: bytes(16), at: parameter)
    }

    /// Binds a place to parameters that follow each other.
    mutating func bindPlace(to statement: PreparedStatement, from parameter: Int32) {
        let isThere = byte() == 1
        for offset in 0..<3 as Range<Int32> {
            if isThere {
                statement.bind(bits: number(), at: parameter + offset)
            } else {
                statement.bindNull(at: parameter + offset)
            }
        }
    }
}
