import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

extension TemporaryFolder {
    var state: String { path("state") }
    var database: String { path("state/ledger.sqlite") }
    var marker: String { path("state/ledger.marker") }
}

let testStore = StoreIdentity(baseURL: "https://euwest.api.elasticpath.com", clientID: "client-1")
let noon = Date(timeIntervalSince1970: 1_795_262_400)

func association(_ owner: String, _ cart: String) throws -> Association { try association(.customer, owner, cart) }

func association(_ kind: OwnerKind, _ owner: String, _ cart: String) throws -> Association {
    Association(kind, try #require(OwnerID(owner)), try #require(CartID(cart)))
}

/// Any two different associations of a test have different fingerprints.
func fingerprint(_ association: Association) -> Fingerprint {
    var high: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in "\(association)".utf8 { high = (high ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Fingerprint(high: high, low: ~high)
}

func makeRun(_ id: String, source: String = "default", savedPlan: String? = nil) -> RunRecord {
    var run = RunRecord(id: id, command: "sync", source: source, scope: .owned, started: noon)
    run.savedPlan = savedPlan
    return run
}

extension Ledger {
    /// Opens a ledger that begins a run.
    static func open(in folder: TemporaryFolder, run: RunRecord? = nil) throws -> Ledger {
        let ledger = try Ledger.open(folder: folder.state, store: testStore, now: noon)
        if let run { try ledger.beginRun(run) }
        return ledger
    }

    func assert(
        _ associations: [Association], by source: String, run: String,
        confirmation: Ledger.Confirmation? = nil
    ) throws {
        let draft = draftAssertions(by: source, run: run)
        for association in associations {
            try draft.add(association, fingerprint(association), place: nil, confirmation: confirmation)
        }
        try assert(draft, at: noon)
    }

    func draft(_ associations: [Association]) throws -> AssociationDraft {
        let draft = draftAssociations()
        for association in associations { try draft.add(association, fingerprint(association)) }
        return draft
    }

    func plan(_ changes: [Change], for run: String) throws {
        let draft = draftPlan(for: run)
        for change in changes { try draft.add(change, fingerprint(change.association)) }
        try appendPlan(draft, at: Date())
    }

    func allAssociations() throws -> [StoredAssociation] {
        var all: [StoredAssociation] = []
        try forEachAssociation { all.append($1) }
        return all
    }

    func allEntries(of run: String) throws -> [JournalEntry] {
        var all: [JournalEntry] = []
        try forEachEntry(of: run) { all.append($0) }
        return all
    }
}

extension Ledger {
    /// Visits the standing of every association, as seen from one source, in the order of carts.
    func scan(from source: String, visit: (Standing) throws -> Void) throws {
        try forEachAssociation(
            from: source,
            where: {
                try visit($1)
                return false
            }, visit: { _, _ in })
    }
}
