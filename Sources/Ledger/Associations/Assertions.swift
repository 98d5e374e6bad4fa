import CartAssociations
package import Foundation
import GRDB

extension Ledger {
    /// Records what an accepted export asserts. The draft is empty afterwards.
    ///
    /// Written in transactions of many rows: after a crash in between, some are recorded and some are not, and
    /// doing it again completes them. `at` is rounded down to seconds.
    package func assert(_ draft: AssertionDraft, at: Date) throws(LedgerError) {
        _ = try merge(draft.sorter, "record what an export asserts") { db in
            let sets = try SetUnions(db, added: [[draft.source]])
            // How the row is already known to exist stays if the record does not say, and what we created stays ours.
            let join = StandingJoin(keepsEqual: false) { known, added in
                PackedStanding(
                    known.ownerKind,
                    known.confirmation == .created ? .created : added.confirmation ?? known.confirmation,
                    sources: try sets.union(of: known.sources, with: added.sources))
            }
            return try RowMerge(db, run: draft.run, at: at, join: join) { fields, ownerKind in
                let confirmation = Ledger.Confirmation(rawValue: Int(fields.byte()))
                return PackedStanding(ownerKind, confirmation, sources: try sets.set(of: 0))
            }
        }
    }

    /// Takes back what a source asserted; an association that no source asserts any more, and that is not known to
    /// exist, disappears. The draft is empty afterwards.
    package func retract(_ draft: AssociationDraft, source: String) throws(LedgerError) {
        try forEachRow(of: draft, "record what a source no longer asserts") { db, sets, row in
            let set = try sets.removing(source, from: row.sources, db)
            if set == SourceSets.empty && row.confirmation == nil { return try row.delete() }
            try row.update(sources: set, confirmation: row.confirmation)
        }
    }

    /// Takes back what a run recorded as asserted by its source before its plan was accepted for good: no delete may rest on an
    /// export that no run has taken. Reads the whole ledger.
    ///
    /// An earlier assertion that the run repeated goes as well; the source's next export makes it anew.
    func retractAssertions(of run: RunRecord) throws(LedgerError) {
        let draft = draftAssociations()
        try reading("look for what an interrupted run asserted") { db in
            let rows = try Row.fetchCursor(
                db, sql: "SELECT cart, owner_kind, owner FROM association WHERE run = ?",
                arguments: [try Self.number(db, of: run.id)])
            while let row = try rows.next() {
                guard let cart = CartID(row[0]), let owner = OwnerID(row[2]) else { continue }
                let association = Association(StoredCodes.ownerKind(row[1]), owner, cart)
                try draft.add(association, fingerprintKey.fingerprint(association))
            }
        }
        try retract(draft, source: run.source)
    }

    /// Records that associations were not in a complete listing of the store: those that no source asserts
    /// disappear, the others are no longer known to exist. The draft is empty afterwards.
    package func unconfirm(_ draft: AssociationDraft) throws(LedgerError) {
        try forEachRow(of: draft, "record what no longer exists") { _, _, row in
            if row.sources == SourceSets.empty { return try row.delete() }
            try row.update(sources: row.sources, confirmation: nil)
        }
    }

    /// Records that associations were deleted: they do not exist any more, and this source does not assert them; other
    /// sources may. The draft is empty afterwards.
    package func forget(_ draft: AssociationDraft, source: String) throws(LedgerError) {
        try forEachRow(of: draft, "record what was deleted") { db, sets, row in
            let set = try sets.removing(source, from: row.sources, db)
            if set == SourceSets.empty { return try row.delete() }
            try row.update(sources: set, confirmation: nil)
        }
    }

    /// Records that associations exist, and how that is known; `run` is nil if no run learnt it, for instance in
    /// an import. The draft is empty afterwards.
    package func confirm(
        _ draft: AssociationDraft, as confirmation: Ledger.Confirmation, run: String?, at: Date
    ) throws(LedgerError) {
        var more = draft.count > 0
        var associations = try draft.sorted()
        while more {
            more = try writing("record what exists") { db in
                let number = try run.map { try Self.number(db, of: $0) }
                let row = try ConfirmationWriter(db)
                for _ in 0..<Self.rowsPerTransaction {
                    let isThere = try associations.takeNext {
                        try row.confirm($0.0, $0.1, as: confirmation, sources: SourceSets.empty, run: number, at: at)
                    }
                    guard isThere else { return false }
                }
                return true
            }
        }
    }

    private func forEachRow(
        of draft: AssociationDraft, _ action: String,
        _ change: (Database, inout SourceSets, AssociationRow) throws -> Void
    ) throws(LedgerError) {
        var more = draft.count > 0
        var associations = try draft.sorted()
        while more {
            more = try writing(action) { db in
                var sets = try SourceSets(db)
                let rows = try AssociationRows(db)
                for _ in 0..<Self.rowsPerTransaction {
                    let isThere = try associations.takeNext { association, _ in
                        if let row = try rows.find(association) { try change(db, &sets, row) }
                    }
                    guard isThere else { return false }
                }
                return true
            }
        }
    }
}
