package import CartAssociations
import Foundation

/// Bytes of memory that a draft uses before it spills.
private let draftBudget = 4 << 20

extension Ledger {
    /// An empty plan for a run, to be filled in any order and handed to `appendPlan`.
    package func draftPlan(for run: String) -> PlanDraft {
        PlanDraft(
            run: run, sorter: RecordSorter(memoryBudget: draftBudget, folder: folder),
            losers: RecordSorter(memoryBudget: draftBudget / 4, folder: folder))
    }

    /// An empty list of associations, to be filled in any order and handed to `retract`, `unconfirm` or `confirm`.
    package func draftAssociations() -> AssociationDraft {
        AssociationDraft(sorter: RecordSorter(memoryBudget: draftBudget / 4, folder: folder))
    }

    /// An empty list of what an accepted export of `source` asserts, to be filled in any order and handed to
    /// `assert`.
    package func draftAssertions(by source: String, run: String) -> AssertionDraft {
        AssertionDraft(
            source: source, run: run, sorter: RecordSorter(memoryBudget: draftBudget, folder: folder))
    }
}

/// The changes of a run before they are in its journal: any number, in about 6 MB of memory.
///
/// It does not touch the ledger, so that it may be filled while the ledger is being read.
package final class PlanDraft {
    let run: String
    let sorter: RecordSorter
    /// The owner of each delete.
    private let losers: RecordSorter
    private var record = ByteRecord()
    /// The changes that are to be made.
    private(set) var creates = 0
    private(set) var deletes = 0

    init(run: String, sorter: RecordSorter, losers: RecordSorter) {
        self.run = run
        self.sorter = sorter
        self.losers = losers
    }

    /// Adds a change, one to be made or one that is withheld; throws if the temporary file cannot be written.
    package func add(_ change: Change, _ fingerprint: Fingerprint) throws(LedgerError) {
        record.removeAll()
        record.append(change.association.cart.text)
        record.append(UInt8(StoredCodes.code(change.kind)))
        record.append(UInt8(StoredCodes.code(change.association.owner.kind)))
        record.append(change.association.owner.id.text)
        record.append(fingerprint)
        record.append(change.place)
        record.append(change.newCart)
        record.append(change.withheld ?? "")
        try sorter.add(record)
        guard change.withheld == nil else { return }
        switch change.kind {
        case .create: creates += 1
        case .delete:
            deletes += 1
            record.removeAll()
            record.append(UInt8(StoredCodes.code(change.association.owner.kind)))
            record.append(change.association.owner.id.text)
            try losers.add(record)
        }
    }

    /// How many owners lose a cart, and those who lose the most, most first; to be asked once, after the last change.
    ///
    /// Throws if the temporary file cannot be read.
    package func losses(most: Int) throws -> (owners: Int, hardest: [(owner: Owner, deletes: Int)]) {
        var owners = 0
        var hardest: [(owner: Owner, deletes: Int)] = []
        var present: (record: ArraySlice<UInt8>, deletes: Int) = ([], 0)
        func finish() throws {
            guard present.deletes > 0 else { return }
            owners += 1
            // Owners come in order, so that of two with as many deletes the first one stays first.
            let place = hardest.firstIndex { $0.deletes < present.deletes } ?? hardest.endIndex
            guard place < most else { return }
            var fields = ByteRecord.Reader(present.record)
            let kind = StoredCodes.ownerKind(Int(fields.byte()))
            hardest.insert((Owner(kind: kind, id: try fields.ownerID()), present.deletes), at: place)
            if hardest.count > most { hardest.removeLast() }
        }
        var records = try losers.sorted()
        while try records.takeNext({ record in
            if record != present.record {
                try finish()
                present = (ArraySlice(Array(record)), 0)
            }
            present.deletes += 1
        }) {}
        try finish()
        return (owners, hardest)
    }

    /// Visits every change in the order of the journal: carts in order, creates before deletes. The draft is empty
    /// afterwards.
    ///
    /// Throws if the temporary file cannot be read, and whatever the visitor throws.
    package func takeAll(_ visit: (Change, Fingerprint) throws -> Void) throws {
        var records = try sorter.sorted()
        while try records.takeNext({ record in
            var fields = ByteRecord.Reader(record)
            let (change, fingerprint) = try fields.change()
            try visit(change, fingerprint)
        }) {}
    }

    /// Visits every change, those together whose associations differ in nothing but the case of ASCII letters. The draft
    /// is empty afterwards.
    ///
    /// Throws if a temporary file cannot be read or written, and whatever the visitor throws.
    package func takeGroups(_ visit: ([(change: Change, fingerprint: Fingerprint)]) throws -> Void) throws {
        let byCase = RecordSorter(memoryBudget: sorter.memoryBudget, folder: sorter.folder)
        var folded = ByteRecord()
        var records = try sorter.sorted()
        while try records.takeNext({ record in
            var fields = ByteRecord.Reader(record)
            let association = try fields.change().change.association.lowercased
            folded.removeAll()
            folded.append(association.cart.text)
            folded.append(UInt8(StoredCodes.code(association.owner.kind)))
            folded.append(association.owner.id.text)
            folded.append(bytes: record)
            try byCase.add(folded)
        }) {}
        var group: [(change: Change, fingerprint: Fingerprint)] = []
        var present: (cart: ArraySlice<UInt8>, kind: UInt8, owner: ArraySlice<UInt8>)?
        records = try byCase.sorted()
        while try records.takeNext({ record in
            var fields = ByteRecord.Reader(record)
            let next = (cart: fields.text(), kind: fields.byte(), owner: fields.text())
            if let present, present != next {
                try visit(group)
                group = []
            }
            present = (ArraySlice(Array(next.cart)), next.kind, ArraySlice(Array(next.owner)))
            group.append(try fields.change())
        }) {}
        if !group.isEmpty { try visit(group) }
    }
}

extension ByteRecord.Reader {
    /// The change of a plan, and its fingerprint.
    fileprivate mutating func change() throws -> (change: Change, fingerprint: Fingerprint) {
        let cart = try cartID()
        let kind = StoredCodes.changeKind(Int(byte()))
        let ownerKind = StoredCodes.ownerKind(Int(byte()))
        let association = Association(ownerKind, try ownerID(), cart)
        let fingerprint = fingerprint()
        let place = place()
        let newCart = newCart()
        let reason = String(decoding: text(), as: UTF8.self)
        let change = Change(
            kind, association, place: place, newCart: newCart, withheld: reason.isEmpty ? nil : reason)
        return (change, fingerprint)
    }
}

/// Associations for the ledger to forget or confirm: any number, in about 2 MB of memory.
///
/// It does not touch the ledger, so that it may be filled while the ledger is being read.
package final class AssociationDraft {
    private let sorter: RecordSorter
    private var record = ByteRecord()

    init(sorter: RecordSorter) { self.sorter = sorter }

    var count: Int { sorter.count }

    /// Adds an association; throws if the temporary file cannot be written.
    package func add(_ association: Association, _ fingerprint: Fingerprint) throws(LedgerError) {
        record.removeAll()
        record.append(association.cart.text)
        record.append(UInt8(StoredCodes.code(association.owner.kind)))
        record.append(association.owner.id.text)
        record.append(fingerprint)
        try sorter.add(record)
    }

    /// Visits every association in the order of the ledger. The draft is empty afterwards.
    ///
    /// Throws if the temporary file cannot be read, and whatever the visitor throws.
    package func takeAll(_ visit: (Association, Fingerprint) throws -> Void) throws {
        var records = try sorted()
        while try records.takeNext({ try visit($0.0, $0.1) }) {}
    }

    func sorted() throws(LedgerError) -> SortedAssociations {
        SortedAssociations(records: try sorter.sorted())
    }
}

/// A draft's associations in the order of the ledger.
struct SortedAssociations {
    fileprivate var records: SortedRecords

    /// Calls `take` with the next one; returns false at the end.
    mutating func takeNext(_ take: ((Association, Fingerprint)) throws -> Void) throws -> Bool {
        try records.takeNext { record in
            var fields = ByteRecord.Reader(record)
            let cart = try fields.cartID()
            let kind = StoredCodes.ownerKind(Int(fields.byte()))
            let association = Association(kind, try fields.ownerID(), cart)
            try take((association, fields.fingerprint()))
        }
    }
}

/// What an accepted export asserts before it is in the ledger: any number, in about 6 MB of memory.
///
/// It does not touch the ledger, so that it may be filled while the ledger is being read.
package final class AssertionDraft {
    let source: String
    let run: String
    let sorter: RecordSorter
    private var record = ByteRecord()

    /// How many were added.
    package var count: Int { sorter.count }

    init(source: String, run: String, sorter: RecordSorter) {
        self.source = source
        self.run = run
        self.sorter = sorter
    }

    /// Adds an association that the export asserts, and how it is known to exist if it was seen.
    ///
    /// Throws if the temporary file cannot be written.
    package func add(
        _ association: Association, _ fingerprint: Fingerprint, place: RecordPlace?,
        confirmation: Ledger.Confirmation? = nil
    ) throws(LedgerError) {
        record.removeAll()
        record.append(association.cart.text)
        record.append(UInt8(StoredCodes.code(association.owner.kind)))
        record.append(association.owner.id.text)
        record.append(fingerprint)
        record.append(place)
        record.append(UInt8(confirmation?.rawValue ?? 0))
        try sorter.add(record)
    }

    /// Visits every association in the order of the ledger. The draft is empty afterwards.
    ///
    /// Throws if the temporary file cannot be read, and whatever the visitor throws.
    package func takeAll(
        _ visit: (Association, Fingerprint, RecordPlace?, Ledger.Confirmation?) throws -> Void
    ) throws {
        var records = try sorter.sorted()
        while try records.takeNext({ record in
            var fields = ByteRecord.Reader(record)
            let cart = try fields.cartID()
            let kind = StoredCodes.ownerKind(Int(fields.byte()))
            let association = Association(kind, try fields.ownerID(), cart)
            let fingerprint = fields.fingerprint()
            let place = fields.place()
            try visit(association, fingerprint, place, Ledger.Confirmation(rawValue: Int(fields.byte())))
        }) {}
    }
}
