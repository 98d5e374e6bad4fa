import CartAssociations
import TestSupport
import Testing

@testable import SyncService

@Suite("The model of a source")
struct SourceModelTests {
    @Test(
        "ten thousand histories: whatever source, listing and process do, a version is applied once, none after a newer one",
        arguments: 0..<20)
    func histories(part: Int) {
        var sets = 0
        for number in 0..<500 {
            let seed = UInt64(part * 500 + number)
            let simulation = Self.lived(seed)
            sets += simulation.setsApplied
            guard let problem = Self.problem(simulation) else { continue }
            let history = Self.lived(seed, tellsHistory: true).history ?? []
            Issue.record("seed \(seed): \(problem)\n\(history.joined(separator: "\n"))")
        }
        #expect(sets > 200, "exports in parts are among them")
    }

    private static func lived(_ seed: UInt64, tellsHistory: Bool = false) -> SourceSimulation {
        var simulation = SourceSimulation(seed: seed, tellsHistory: tellsHistory)
        for _ in 0..<40 {
            simulation.change()
            simulation.work()
        }
        simulation.comeToRest()
        return simulation
    }

    /// What went against a promise; nil if nothing did.
    private static func problem(_ simulation: SourceSimulation) -> String? {
        if let broken = simulation.broken.first { return broken }
        if !simulation.isAtRest { return "exports are left in the inbox" }
        if simulation.told.values.contains(where: { $0 > 1 + simulation.kills }) { return "something is told twice" }
        // A person may bring the store to anything.
        guard !simulation.wasHelped else { return nil }
        for kinds in [[.customer], [.account]] as [Set<OwnerKind>] {
            let (state, newest) = (simulation.state(kinds), simulation.newest(kinds))
            if state != newest { return "\(kinds) ended at \(state ?? 0), and the newest is \(newest ?? 0)" }
        }
        return nil
    }
}
