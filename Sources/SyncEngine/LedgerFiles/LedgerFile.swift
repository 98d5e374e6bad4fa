import AssociationDiff
package import CallPacing
import CartAssociations
import ExportFiles
import Foundation
package import Ledger

/// The whole ledger as a CSV file: what `ledger export` writes and `ledger import` adds to another ledger.
///
/// An export reader takes it, too: it has an owner type, an owner and a cart.
package enum LedgerFile {
    static let columns = [
        "owner_type", "owner_id", "cart_id", "confirmed", "sources", "since", "run", "record", "line",
    ]
    /// No name of a source has one.
    static let sourceSeparator = UInt8(ascii: " ")

    private static let rows = CSVRows(
        kind: "a ledger export", required: ["owner_type", "owner_id", "cart_id", "confirmed", "sources"])

    /// Writes every association of the ledger, in the order of carts.
    ///
    /// - Parameter path: nil writes to standard output, and no manifest.
    ///
    /// Throws `RunFailure`.
    package static func write(_ ledger: Ledger, to path: String?) throws(RunFailure) -> Written {
        do {
            let file = try CSVRowsFile(at: path, columns: columns)
            var text = LedgerFileText()
            try ledger.forEachRow { row, owner, cart in
                file.add(row.ownerKind.rawValue)
                file.add(owner)
                file.add(cart)
                file.add(row.confirmation?.words ?? "")
                file.add(text.sources(row.sources))
                file.add(text.time(row.since))
                file.add(row.run ?? "")
                file.add(row.place.map { String($0.record) } ?? "")
                file.add(row.place.map { String($0.line) } ?? "")
                try file.endRow()
            }
            try file.finish()
            return Written(file: path, associations: file.count, bytes: file.bytes, store: ledger.store.baseURL)
        } catch {
            throw RunFailure(error)
        }
    }

    /// What an export of the ledger has written.
    package struct Written: Sendable, Codable {
        /// Nil for standard output.
        let file: String?
        package let associations: Int
        let bytes: Int
        package let store: String
    }

    /// Adds everything that a file holds to the ledger, as a run of its own.
    ///
    /// The file is read and judged as a whole before anything is written.
    ///
    /// Throws `RunFailure`.
    package static func add(_ path: String, to ledger: Ledger, time: TimeSource) throws(RunFailure) -> Added {
        do {
            let now = time.wall()
            let file = try ExportFile.open(path, spoolFolder: ledger.folder)
            let draft = ledger.draftImport()
            let facts = try fill(draft, from: file, key: ledger.fingerprintKey)
            var generator = SystemRandomNumberGenerator()
            let id = RunRecord.makeID(at: now, using: &generator)
            var run = RunRecord(id: id, command: "ledger import", source: "", scope: .none, started: now)
            run.exports = [.init(path: file.name, digest: facts.sha256, records: facts.records, bytes: facts.bytes)]
            try ledger.beginRun(run)
            let counts = try ledger.importAll(draft, run: id, at: now)
            let ended = time.wall()
            try ledger.updateRun(id) { run in
                run.state = .finished
                run.ended = ended
                run.exitStatus = .done
            }
            return Added(run: id, file: file.name, records: facts.records, counts: counts, store: ledger.store.baseURL)
        } catch {
            throw RunFailure(error)
        }
    }

    /// What an import has added.
    package struct Added: Sendable, Codable {
        package let run: String
        let file: String
        package let records: Int
        package let counts: ImportCounts
        package let store: String
    }

    private static func fill(_ draft: ImportDraft, from file: ExportFile, key: FingerprintKey) throws -> ExportFacts {
        var words = LedgerFileWords()
        return try rows.read(file) { place, bytes, cells in
            let owner = bytes.extracting(cells[1])
            let cart = bytes.extracting(cells[2])
            let sources = bytes.extracting(cells[4])
            guard let kind = words.ownerKind(bytes.extracting(cells[0])), IdentifierBytes.isOwner(owner),
                IdentifierBytes.isCart(cart)
            else {
                throw rows.refusal(file, "the owner or the cart is not an id, or of no kind", line: place.line)
            }
            guard let confirmation = words.confirmation(bytes.extracting(cells[3])) else {
                throw rows.refusal(
                    file, "confirmed is none of created, already there, listed, and not empty", line: place.line)
            }
            guard let set = words.set(sources, of: draft) else {
                throw rows.refusal(file, "the sources are not names with a space between them", line: place.line)
            }
            guard confirmation != nil || !sources.isEmpty else {
                throw rows.refusal(
                    file, "the association is neither confirmed nor asserted by a source", line: place.line)
            }
            try draft.add(
                kind, owner: owner, cart: cart, key.fingerprint(kind, owner: owner, cart: cart),
                confirmation: confirmation, set: set, place: place)
        }
    }
}
