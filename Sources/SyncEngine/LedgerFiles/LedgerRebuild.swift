import AssociationDiff
package import CallPacing
import CartAssociations
package import CommerceAPI
import DurableFiles
package import ExportFiles
import Foundation
package import Ledger
import SyncReporting

/// Fills a new ledger from what is left, and puts it in the place of the folder's own.
///
/// A run of the new ledger says where each association came from. The old ledger is unchanged until `finish`.
package final class LedgerRebuild {
    private let replacement: LedgerReplacement
    private let source: String
    private let time: TimeSource
    private let now: Date
    private let run: String
    private let key: FingerprintKey
    private var exports: [RunRecord.Export] = []
    private var rejected = 0
    private let kept: KeptMemory

    /// Locks the state folder and begins.
    ///
    /// - Parameter source: the source that asserts what exports and results say.
    ///
    /// Throws if another process holds the folder, or it cannot be written.
    package init(folder: String, store: StoreIdentity, source: String, time: TimeSource) throws(RunFailure) {
        do {
            now = time.wall()
            replacement = try LedgerReplacement(folder: folder, store: store, now: now)
            self.source = source
            self.time = time
            key = replacement.ledger.fingerprintKey
            var generator = SystemRandomNumberGenerator()
            run = RunRecord.makeID(at: now, using: &generator)
            kept = try replacement.keepMemory(inPlaceOf: run)
            try replacement.ledger.beginRun(
                RunRecord(id: run, command: "ledger rebuild", source: source, scope: .none, started: now))
        } catch {
            throw RunFailure(error)
        }
    }

    /// Takes every association that the store lists.
    ///
    /// Throws if the listing is not provably complete: what it lacks would be taken for gone.
    package func addListing(
        _ client: CommerceClient, progress: @Sendable (_ read: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(RunFailure) {
        do {
            try confirm(try await completeListing(client, progress))
        } catch {
            throw RunFailure(error)
        }
    }

    private func completeListing(
        _ client: CommerceClient, _ progress: @Sendable (_ read: Int, _ total: Int) -> Void
    ) async throws -> [Association] {
        let listing = try await client.listAssociations(progress: progress)
        if case .incomplete(let reason) = listing.completeness { throw RunFailure.incompleteListing(reason) }
        return listing.associations
    }

    private func confirm(_ associations: [Association]) throws {
        let draft = ledger.draftAssociations()
        for association in associations { try draft.add(association, key.fingerprint(association)) }
        try ledger.confirm(draft, as: .listed, run: run, at: now)
    }

    /// Takes what exports assert: every usable record of snapshots.
    ///
    /// - Parameter isApplied: whether everything in them exists in the store, too.
    package func addExports(_ paths: [String], reading: ReadingOptions, isApplied: Bool) throws(RunFailure) {
        do {
            let draft = ledger.draftAssertions(by: source, run: run)
            let reader = ExportReader(options: reading)
            for (index, path) in paths.enumerated() {
                let file = try ExportFile.open(path, spoolFolder: ledger.folder)
                var records = try reader.read(file, index: index)
                guard records.facts.shape.keyFields.isEmpty else {
                    throw ExportError(
                        .option, file: path,
                        problem: "it names owners by keys, which stand for other owners now than they may have then",
                        advice: "give the results of the runs with --results")
                }
                while let batch = try records.next() {
                    for case .usable(let record) in batch.decode(batch.records) {
                        try draft.add(
                            record.association, key.fingerprint(record.association), place: record.place,
                            confirmation: isApplied ? .alreadyThere : nil)
                    }
                }
                let facts = records.facts
                try file.checkStatements(facts)
                guard !facts.isDelta else {
                    throw ExportError(
                        .option, file: path,
                        problem: "it is an export of changes, which does not say all that is wanted",
                        advice: "give full exports, or the results of the runs with --results")
                }
                take(file, facts)
            }
            try ledger.assert(draft, at: now)
        } catch {
            throw RunFailure(error)
        }
    }

    /// Takes what runs made of the store, from their results.csv, in the order of the runs: what was created or was
    /// there already exists and is asserted, what was deleted or was gone already is forgotten.
    package func addResults(_ paths: [String]) throws(RunFailure) {
        do {
            for (index, path) in paths.enumerated() {
                let file = try ExportFile.open(path, spoolFolder: ledger.folder)
                var results = ResultsReading(ledger, source: source, run: run, key: key)
                take(file, try results.read(file, index: index))
                try ledger.assert(results.made, at: now)
                try ledger.forget(results.gone, source: source)
            }
        } catch {
            throw RunFailure(error)
        }
    }

    /// Puts the new ledger in its place.
    package func finish() throws(RunFailure) -> Rebuilt {
        do {
            let exports = exports
            let ended = time.wall()
            try ledger.updateRun(run) { run in
                run.exports = exports
                run.state = .finished
                run.ended = ended
                run.exitStatus = .done
            }
            let count = try ledger.associationCount()
            let asserted = try ledger.assertedCounts(by: source).values.reduce(0, +)
            let store = ledger.store.baseURL
            return Rebuilt(
                run: run, store: store, associations: count, asserted: asserted, source: source, rejected: rejected,
                kept: kept, oldFiles: try replacement.finish())
        } catch {
            throw RunFailure(error)
        }
    }

    /// Gives up; the old ledger is unchanged.
    package func abandon() { replacement.abandon() }

    private var ledger: Ledger { replacement.ledger }

    private func take(_ file: ExportFile, _ facts: ExportFacts) {
        rejected += facts.rejectedRecords
        exports.append(.init(path: file.name, digest: facts.sha256, records: facts.records, bytes: facts.bytes))
    }
}

/// What a rebuild has made.
package struct Rebuilt: Sendable, Codable {
    package let run: String
    package let store: String
    package let associations: Int
    /// How many of them the source asserts.
    package let asserted: Int
    package let source: String
    /// Records of the exports that could not be used; the source does not assert what they name.
    package let rejected: Int
    /// What is still known of the exports that were applied.
    package let kept: KeptMemory
    /// The folder with the files of the old ledger; nil if there was no ledger.
    package let oldFiles: String?
}

/// One results.csv, as far as it says what exists.
private struct ResultsReading {
    let made: AssertionDraft
    let gone: AssociationDraft
    private let key: FingerprintKey

    /// The columns of results.csv that matter here; a mark against spreadsheets stands before some cells.
    private static let rows = CSVRows(
        kind: "results.csv of a run", required: ["kind", "owner_kind", "owner", "cart", "outcome"],
        fieldNames: [.owner: "owner", .ownerType: "owner_kind"])

    init(_ ledger: Ledger, source: String, run: String, key: FingerprintKey) {
        made = ledger.draftAssertions(by: source, run: run)
        gone = ledger.draftAssociations()
        self.key = key
    }

    mutating func read(_ file: ExportFile, index: Int) throws -> ExportFacts {
        try Self.rows.read(file, index: index) { place, bytes, cells in
            func text(_ cell: Int) -> String {
                String(decoding: bytes.extracting(cells[cell]).copy(), as: UTF8.self)
            }
            guard let kind = OwnerKind(rawValue: text(1)), let owner = OwnerID(text(2)), let cart = CartID(text(3)),
                let outcome = Outcome(rawValue: text(4))
            else {
                throw Self.rows.refusal(
                    file, "the owner, the cart or the outcome is missing or invalid", line: place.line)
            }
            guard !OwnerNames.isForgotten(owner.text) else { return }
            guard !OwnerNames.isHidden(owner.text) else {
                throw Self.rows.refusal(
                    file, "the owners in it are hidden (report.redact), so that nobody can tell whose carts these are",
                    line: place.line)
            }
            let association = Association(kind, owner, cart)
            switch outcome {
            case .created, .alreadyThere:
                try made.add(
                    association, key.fingerprint(association), place: place,
                    confirmation: outcome == .created ? .created : .alreadyThere)
            case .deleted, .alreadyGone: try gone.add(association, key.fingerprint(association))
            case .rejected, .failed, .skipped, .withheld: break
            }
        }
    }
}
