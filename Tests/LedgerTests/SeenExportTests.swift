import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

@Suite("What the ledger remembers of sources")
struct SeenExportTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(in: folder)
    }

    @Test("what was seen is there after the process, of its source alone, and no plan becomes stale by it")
    func remembered() throws {
        var seen = SeenExport(
            name: "c\u{301} ?.csv", version: #"{"size":1}"#, stated: .seconds(7), time: .milliseconds(6500),
            firstSeen: .nanoseconds(6_500_999_999))
        let other = SeenExport(name: "c.csv", version: "", stated: nil, time: .seconds(9), firstSeen: .seconds(9))
        let revision = try ledger.revision()
        try ledger.recordSeen([seen, other], forgetting: [], of: "night")
        #expect(seen.firstSeen == .milliseconds(6500))
        (seen.size, seen.digest, seen.isFetched, seen.lastSeen) = (1, "ff", true, .seconds(10))
        (seen.failures, seen.nextAttempt, seen.problem) = (3, .seconds(99), "denied")
        try ledger.recordSeen([seen], forgetting: [], of: "night")
        #expect(try ledger.revision() == revision)
        try ledger.close()
        let again = try Ledger.open(in: folder)
        #expect(try again.seenExports(of: "night") == [seen, other])
        #expect(try again.seenExports(of: "day").isEmpty)
        try again.recordSeen([], forgetting: [other], of: "day")
        #expect(try again.seenExports(of: "night").count == 2)
        try again.recordSeen([], forgetting: [other], of: "night")
        #expect(try again.seenExports(of: "night") == [seen])
    }

    @Test("what a source has applied is what its accepted runs say", arguments: 0..<20 as Range<UInt64>)
    func applied(seed: UInt64) throws {
        struct Applied {
            let (run, digest, time): (String, String, Duration)
            let kinds: Set<OwnerKind>
            let (isSnapshot, isOver): (Bool, Bool)
        }
        var random = SeededGenerator(seed: seed)
        var all: [Applied] = []
        let kinds: [Set<OwnerKind>] = [[.customer], [.account], [.customer, .account]]
        for number in 0..<30 {
            let (isMine, isAccepted) = (!random.oneIn(4), !random.oneIn(4))
            let export = Applied(
                run: "r\(number)", digest: "d\(random.within(0...5))", time: .seconds(random.within(0...1000)),
                kinds: try #require(kinds.randomElement(using: &random)), isSnapshot: random.oneIn(2),
                isOver: !random.oneIn(4))
            try ledger.beginRun(makeRun(export.run, source: isMine ? "s" : "other"))
            try ledger.recordExports(
                [
                    .init(
                        path: "x", digest: export.digest, records: 1, bytes: 1, time: export.time,
                        ownerKinds: export.kinds)
                ],
                source: isMine ? "s" : "other", run: export.run, isSnapshot: export.isSnapshot, isAccepted: isAccepted)
            try ledger.updateRun(export.run) { run in
                run.state = !isAccepted ? .refused : export.isOver ? .finished : .stopped
                run.exitStatus = .done
            }
            if isMine && isAccepted { all.append(export) }
        }
        for digest in (0...5).map({ "d\($0)" }) {
            let applied = try ledger.applied(by: "s", digests: [digest])
            let last = all.last.flatMap { $0.isOver ? $0 : nil }
            #expect(applied.last == last.map { .init(run: $0.run, digests: [$0.digest], exitStatus: .done) })
            #expect(applied.sameBytes?.time == all.filter { $0.isOver && $0.digest == digest }.map(\.time).max())
            for kinds in kinds {
                let times = all.filter { $0.isSnapshot && $0.kinds == kinds }.map(\.time)
                #expect(applied.snapshots.first { $0.ownerKinds == kinds }?.export.time == times.max())
            }
        }
    }

    @Test("a run that took another back leaves nothing as applied last")
    func undone() throws {
        for (id, digests) in [("a", ["d"]), ("undo", [])] {
            try ledger.beginRun(makeRun(id, source: "s"))
            try ledger.recordExports(
                digests.map { .init(path: "x", digest: $0, records: 1, bytes: 1, time: .seconds(1), ownerKinds: []) },
                source: "s", run: id, isSnapshot: true, isAccepted: true)
            try ledger.updateRun(id) { $0.state = .finished }
        }
        let applied = try ledger.applied(by: "s", digests: ["d"])
        #expect(applied.last?.digests == [])
        #expect(applied.sameBytes == .init(run: "a", time: .seconds(1)))
        try ledger.recordAgain("d", of: "a", time: .seconds(5))
        try ledger.recordAgain("d", of: "a", time: .seconds(3))
        #expect(try ledger.applied(by: "s", digests: ["d"]).sameBytes?.time == .seconds(5))
    }
}
