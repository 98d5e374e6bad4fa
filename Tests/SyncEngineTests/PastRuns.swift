import CartAssociations
import Foundation
import Ledger
import Logging
import TestSupport

@testable import SyncEngine

/// One run as several ledgers get it, without a store.
struct PastRun: Sendable {
    let id: String
    var source = "nightly"
    let date: Date
    var state = RunRecord.State.finished
    var exitStatus = ExitStatus.done
    var isSnapshot = true
    var exports: [RunRecord.Export] = []
    var changes: [Change] = []
    var usable = 1
    var approvedDeletes: Int?
    var undone: String?

    /// Whether its plan was accepted.
    private var isAccepted: Bool { [.applying, .finished, .stopped].contains(state) }

    private var record: RunRecord {
        var run = RunRecord(id: id, command: "serve", source: source, scope: .owned, started: date)
        var figures = PlanFigures()
        (figures.usable, figures.isSnapshot, figures.inScope) = (usable, isSnapshot, 1000)
        run.exports = exports
        run.figures = figures
        run.approvedDeletes = approvedDeletes
        run.undone = undone
        return run
    }

    /// Leaves in a ledger what such a run leaves.
    func record(in ledger: Ledger) throws {
        var record = record
        if state == .failed {
            (record.state, record.exitStatus) = (.failed, .exportRefused)
            return try ledger.recordFailure(of: record)
        }
        try ledger.beginRun(record)
        let plan = ledger.draftPlan(for: id)
        if isAccepted { for change in changes { try plan.add(change, fingerprint(change, ledger)) } }
        if isAccepted { try ledger.appendPlan(plan, at: date) }
        try ledger.recordExports(exports, source: source, run: id, isSnapshot: isSnapshot, isAccepted: isAccepted)
        if isAccepted { try accept(in: ledger) }
        try ledger.updateRun(id) { run in
            (run.state, run.ended, run.exitStatus) = (state, date, isAccepted ? exitStatus : .refused)
        }
    }

    private func accept(in ledger: Ledger) throws {
        let assertions = ledger.draftAssertions(by: source, run: id)
        for (number, change) in changes.enumerated() where change.kind == .create {
            try assertions.add(
                change.association, fingerprint(change, ledger),
                place: RecordPlace(export: 0, record: number + 1, line: number + 2))
        }
        try ledger.assert(assertions, at: date)
        if isSnapshot { try ledger.supersedeRuns(of: source, by: id) }
        if let undone { try ledger.updateRun(undone) { $0.supersededBy = id } }
        guard state == .finished else { return }
        var ended: [JournalEntry] = []
        try ledger.forEachEntry(of: id) { entry in
            let outcome: Outcome = entry.change.kind == .create ? .created : .deleted
            ended.append(entry.ended(ChangeOutcome(outcome, status: 200, attempts: 1), at: date))
        }
        try ledger.record(ended)
    }

    private func fingerprint(_ change: Change, _ ledger: Ledger) -> Fingerprint {
        ledger.fingerprintKey.fingerprint(change.association)
    }
}

extension Change {
    /// A change of a customer and a cart with these numbers.
    static func numbered(_ kind: ChangeKind, _ owner: Int, _ cart: Int) -> Change? {
        guard let owner = OwnerID("customer-\(owner)"), let cart = CartID("cart-\(cart)") else { return nil }
        return Change(kind, Association(.customer, owner, cart), place: nil)
    }
}

extension OldRuns {
    /// Removes everything that is no longer kept; returns in how many steps.
    @discardableResult
    func removeAll(from ledger: Ledger, now: Date) throws -> Int {
        var steps = 1
        while try removeSome(from: ledger, now: now, log: .init(label: "test")) { steps += 1 }
        wake()
        return steps
    }
}
