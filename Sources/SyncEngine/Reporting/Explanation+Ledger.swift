package import CartAssociations
import Foundation
package import Ledger
package import SyncReporting

extension Explanation {
    /// Everything that a ledger and its journals know of a cart; reads all journals.
    package static func of(_ cart: CartID, in ledger: Ledger) throws(LedgerError) -> Explanation {
        try make("cart \(cart)", ledger, try ledger.associations(of: cart), try ledger.entries(of: cart))
    }

    /// Everything that a ledger and its journals know of an owner; reads the whole ledger and all journals.
    ///
    /// - Parameter kind: nil for a customer and an account of that id.
    package static func of(_ owner: OwnerID, _ kind: OwnerKind?, in ledger: Ledger) throws(LedgerError) -> Explanation {
        var known: [StoredAssociation] = []
        var entries: [JournalEntry] = []
        for kind in kind.map({ [$0] }) ?? OwnerKind.allCases {
            let owner = Owner(kind: kind, id: owner)
            known += try ledger.associations(of: owner)
            entries += try ledger.entries(of: owner)
        }
        known.sort { $0.association < $1.association }
        entries.sort { $0.id < $1.id }
        return try make("\(kind?.rawValue ?? "owner") \(owner)", ledger, known, entries)
    }

    private static func make(
        _ subject: String, _ ledger: Ledger, _ known: [StoredAssociation], _ entries: [JournalEntry]
    ) throws(LedgerError) -> Explanation {
        var runs = Runs(ledger)
        var associations: [Known] = []
        for stored in known {
            associations.append(
                Known(
                    association: stored.association, confirmed: stored.confirmation?.words, sources: stored.sources,
                    since: stored.since,
                    origin: try stored.run.map { run throws(LedgerError) in
                        try runs.origin(run, stored.place)
                    }, isRunRemoved: stored.run == nil && stored.runNumber != nil))
        }
        var changes: [PlannedChange] = []
        for entry in entries {
            let run = try runs.run(entry.run)
            let outcome = entry.outcome
            var change = PlannedChange(
                entry.change.kind, entry.change.association, origin: try runs.origin(entry.run, entry.change.place),
                at: entry.endedAt ?? run?.started ?? ledger.created)
            if let outcome {
                change.outcome = outcome.outcome
                change.status = outcome.status
                change.attempts = outcome.attempts
                change.service = outcome.service.map { $0 / .milliseconds(1) }
                change.response = outcome.response.map { $0 / .milliseconds(1) }
                change.message = outcome.message
            } else {
                change.pending = run.map(Self.state)
            }
            changes.append(change)
        }
        var explanation = Explanation(
            subject: subject, store: ledger.store.baseURL, associations: associations, changes: changes)
        explanation.removedUntil = try ledger.newestRemovedRun()
        return explanation
    }

    private static func state(_ run: RunRecord) -> String {
        run.supersededBy == nil ? run.state.rawValue : "superseded"
    }
}

/// The runs that a history meets, each looked up once.
private struct Runs {
    private let ledger: Ledger
    private var known: [String: RunRecord?] = [:]

    init(_ ledger: Ledger) { self.ledger = ledger }

    mutating func run(_ id: String) throws(LedgerError) -> RunRecord? {
        if let run = known[id] { return run }
        let run = try ledger.run(id)
        known[id] = .some(run)
        return run
    }

    mutating func origin(_ id: String, _ place: RecordPlace?) throws(LedgerError) -> Explanation.Origin {
        let run = try run(id)
        let exports = run?.exports ?? []
        let export = place.flatMap { exports.indices.contains($0.export) ? exports[$0.export].path : nil }
        return .init(run: id, command: run?.command, export: export, record: place?.record, line: place?.line)
    }
}
