import CartAssociations
import Foundation
import Ledger
import Logging
import TestSupport
import Testing

@testable import SyncEngine

/// Two ledgers with the same past, of which one forgets what is no longer kept: nothing may be decided differently.
@Suite("what is decided without the runs that are removed")
struct RetentionTests {
    private static let noon = Date(timeIntervalSince1970: 1_795_262_400)
    private static let sources = ["a", "b", "c"]
    private static let window: TimeInterval = 20 * 3600

    /// A past as it goes on.
    private struct Past {
        let folder: TemporaryFolder
        let whole: Ledger
        let short: Ledger
        var removal: OldRuns
        var random: SeededGenerator
        var now = RetentionTests.noon
        var made = 0

        init(seed: UInt64) throws {
            folder = try TemporaryFolder()
            random = SeededGenerator(seed: seed)
            (whole, short) = (try Self.open(folder.path("whole")), try Self.open(folder.path("short")))
            var retention = RunRetention(window: .seconds(RetentionTests.window))
            retention.most = Int(random.within(1...25))
            retention.age = .seconds(random.within(2...60) * 86_400)
            removal = OldRuns(retention)
        }

        static func open(_ path: String) throws -> Ledger {
            try Ledger.open(folder: path, store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "t"), now: noon)
        }

        mutating func step() throws {
            let longest: Int64 = random.oneIn(6) ? 400_000 : 20_000
            now += Double(random.within(1...longest))
            switch random.within(0...9) {
            case 0...6: try makeRun()
            case 7: try comeAgain()
            case 8: try remove()
            default: beginAnew()
            }
        }

        /// A run of any kind, the same in both.
        private mutating func makeRun() throws {
            var run = PastRun(
                id: RunRecord.makeID(at: now, using: &random),
                source: RetentionTests.sources[Int(random.within(0...2))], date: now)
            let states: [RunRecord.State] = [.finished, .finished, .finished, .finished, .stopped, .refused, .failed]
            run.state = states[Int(random.within(0...6))]
            run.exitStatus = random.oneIn(3) ? .incomplete : .done
            run.isSnapshot = random.oneIn(2)
            run.usable = Int(random.within(0...9))
            run.approvedDeletes = random.oneIn(5) ? 10 : nil
            run.exports = (0..<random.within(1...2)).map { _ in export() }
            run.changes = Set((0..<random.within(0...3)).map { _ in random.within(0...9) }).sorted().compactMap {
                Change.numbered(random.oneIn(2) ? .create : .delete, Int($0), Int($0))
            }
            if random.oneIn(8), let last = try short.runs(limit: 3).last(where: { $0.state == .finished }) {
                (run.source, run.undone, run.exports, run.isSnapshot) = (last.source, last.id, [], false)
            }
            for ledger in [whole, short] { try run.record(in: ledger) }
            made += 1
        }

        private mutating func export() -> RunRecord.Export {
            let age = random.oneIn(3) ? random.within(0...2_000_000) : random.within(0...10_000)
            let kinds: [Set<OwnerKind>?] = [[.customer], [.account], [.customer, .account], nil]
            return .init(
                path: "x.csv", digest: "d\(random.within(0...6))", records: 1, bytes: 1,
                time: random.oneIn(9) ? nil : .seconds(Int64(now.timeIntervalSince1970) - age),
                ownerKinds: kinds[Int(random.within(0...3))],
                orders: random.oneIn(4) ? nil : RecordOrders(rawValue: Int(random.within(0...7))))
        }

        /// The bytes that a source applied last come again, with a newer time.
        private mutating func comeAgain() throws {
            let source = RetentionTests.sources[Int(random.within(0...2))]
            guard let last = try short.applied(by: source, digests: ["d0"]).last else { return }
            for ledger in [whole, short] {
                for digest in last.digests {
                    try ledger.recordAgain(digest, of: last.run, time: .seconds(Int64(now.timeIntervalSince1970)))
                }
            }
        }

        /// Some steps, not always all that there are.
        private mutating func remove() throws {
            for _ in 0..<random.within(1...8) {
                guard try removal.removeSome(from: short, now: now, log: .init(label: "test")) else { break }
            }
            removal.wake()
        }

        /// Another process goes on, perhaps with other settings.
        private mutating func beginAnew() {
            var retention = removal.retention
            if random.oneIn(2) { retention.most = Int(random.within(1...25)) }
            removal = OldRuns(retention)
        }
    }

    @Test("next exports, guards and runs that go on are judged alike", arguments: 0..<24 as Range<UInt64>)
    func decisions(seed: UInt64) throws {
        var past = try Past(seed: seed)
        for _ in 0..<60 {
            try past.step()
            try compare(past, Self.sources[past.made % 3])
        }
        for source in Self.sources { try compare(past, source) }
        let (whole, short) = (past.whole, past.short)
        #expect(past.made > 25)
        #expect(
            try whole.runs(in: [.stopped, .applying]).filter(\.isResumable)
                == short.runs(in: [.stopped, .applying]).filter(\.isResumable))
        let latest = try whole.runs(limit: 1000).filter { $0.state != .failed }.prefix(1).map(\.id)
        #expect(try short.runs(limit: 1000).filter { $0.state != .failed }.prefix(1).map(\.id) == latest)
        try compareAssociations(whole, short)
        #expect(try short.check().isEmpty)
    }

    private func compare(_ past: Past, _ source: String) throws {
        let (whole, short) = (past.whole, past.short)
        #expect(try whole.appliedVolumes(of: source) == short.appliedVolumes(of: source))
        #expect(try whole.lastSuccessfulRun(of: source) == short.lastSuccessfulRun(of: source))
        #expect(try whole.lastEndedRun(of: source) == short.lastEndedRun(of: source))
        let since = past.now - Self.window
        #expect(try whole.deletes(of: source, since: since) == short.deletes(of: source, since: since))
        for kinds: Set<OwnerKind> in [[.customer], [.account], [.customer, .account]] {
            #expect(try whole.lastOrders(of: source, kinds: kinds) == short.lastOrders(of: source, kinds: kinds))
        }
        for digest in (0...6).map({ "d\($0)" }) {
            let (all, left) = (
                try whole.applied(by: source, digests: [digest]), try short.applied(by: source, digests: [digest])
            )
            #expect(all.last == left.last)
            #expect(Set(all.snapshots.map(\.export.time)) == Set(left.snapshots.map(\.export.time)))
            for days in [0, 1, 3, 10, 20, 40] {
                compare(digest, past.now - Double(days) * 86_400, all, left)
            }
        }
    }

    /// What was applied or is older than what was is never applied because runs are removed. What was never applied, and is
    /// of their time, is left to a person.
    private func compare(_ digest: String, _ date: Date, _ all: AppliedExports, _ left: AppliedExports) {
        for kind in OwnerKind.allCases {
            func standing(_ applied: AppliedExports) -> ExportStanding {
                ExportStanding(
                    of: [digest], time: .seconds(Int64(date.timeIntervalSince1970)), after: applied,
                    repeatsIncomplete: true
                ) { [kind] }
            }
            switch (standing(all), standing(left)) {
            case (.next, .next), (.next, .beforeMemory): break
            case (.next, let found): Issue.record("\(digest) of \(date) is to be applied, and \(found)")
            case (let expected, .next): Issue.record("\(digest) of \(date) would be applied, and \(expected)")
            case (.older, let found):
                if case .older = found { break }
                Issue.record("\(found) in the place of an older one")
            default: break
            }
        }
    }

    private func compareAssociations(_ whole: Ledger, _ short: Ledger) throws {
        var found: [[StoredAssociation]] = [[], []]
        try whole.forEachAssociation { found[0].append($1) }
        try short.forEachAssociation { found[1].append($1) }
        #expect(found[0].count == found[1].count)
        for (one, other) in zip(found[0], found[1]) {
            #expect(
                (one.association, one.sources, one.confirmation, one.runNumber, one.since)
                    == (other.association, other.sources, other.confirmation, other.runNumber, other.since))
            #expect(one.run == other.run || other.run == nil)
        }
    }
}
