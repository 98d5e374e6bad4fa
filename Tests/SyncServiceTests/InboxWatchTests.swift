import CartAssociations
import TestSupport
import Testing

@testable import SyncService

@Suite("Which files of an inbox are whole")
struct InboxWatchTests {
    @Test("a file is taken when it has been still for the settling time, seen twice")
    func settles() {
        var watch = InboxWatch(settle: .seconds(5))
        let file = entry("a.csv")
        #expect(watch.look([file], now: .seconds(100)).waiting == ["a.csv": .settling(for: .seconds(5))])
        #expect(watch.look([file], now: .milliseconds(104_999)).waiting == ["a.csv": .settling(for: .milliseconds(1))])
        let view = watch.look([file], now: .seconds(105))
        #expect(view.ready == [file])
        #expect(view.waiting.isEmpty)
    }

    @Test(
        "any change of size, time or identity begins the settling time again",
        arguments: [
            entry("a.csv", size: 11), entry("a.csv", modified: 1001), entry("a.csv", modified: 0),
            entry("a.csv", inode: 2),
        ])
    func changes(changed: InboxEntry) {
        var watch = InboxWatch(settle: .seconds(5))
        _ = watch.look([entry("a.csv")], now: .zero)
        #expect(watch.look([changed], now: .seconds(5)).ready.isEmpty)
        #expect(watch.look([changed], now: .milliseconds(9999)).ready.isEmpty)
        #expect(watch.look([changed], now: .seconds(10)).ready == [changed])
    }

    @Test("a file that was away begins anew")
    func away() {
        var watch = InboxWatch(settle: .seconds(5))
        _ = watch.look([entry("a.csv")], now: .zero)
        _ = watch.look([], now: .seconds(4))
        #expect(watch.look([entry("a.csv")], now: .seconds(8)).ready.isEmpty)
    }

    @Test("the file's own time, ahead or behind, makes no difference", arguments: [0, 1000, 99_999_999_999])
    func wrongTime(modified: Int) {
        var watch = InboxWatch(settle: .seconds(5))
        let file = entry("a.csv", modified: modified)
        #expect(watch.look([file], now: .zero).ready.isEmpty)
        #expect(watch.look([file], now: .seconds(5)).ready == [file])
    }

    @Test("a marker or a manifest beside a file says that it is whole", arguments: [".done", ".manifest.json"])
    func markers(ending: String) {
        var watch = InboxWatch(settle: .seconds(5))
        let view = watch.look([entry("a.csv"), entry("a.csv" + ending), entry("b.csv")], now: .zero)
        #expect(view.ready.map(\.name) == ["a.csv"])
        #expect(view.waiting == ["b.csv": .settling(for: .seconds(5))])
    }

    @Test(
        "a marker or a manifest without its export waits, and is never an export",
        arguments: [".done", ".manifest.json"])
    func lonelyMarkers(ending: String) {
        var watch = InboxWatch(settle: .zero)
        let view = watch.look([entry("a.csv" + ending)], now: .zero)
        #expect(view.ready.isEmpty)
        #expect(view.waiting == ["a.csv" + ending: .withoutExport])
    }

    @Test(
        "dot files and files that are being written are never taken nor named",
        arguments: [".a.csv", ".done", "a.csv.tmp", "a.csv.part", "a.csv.filepart", "A.CSV.TMP", "a.PART"])
    func ignored(name: String) {
        var watch = InboxWatch(settle: .zero)
        let view = watch.look([entry(name), entry(name + ".done")], now: .zero)
        #expect(view.ready.isEmpty)
        #expect(view.refused.isEmpty)
    }

    @Test("what is no regular file is refused", arguments: [InboxEntryKind.folder, .link, .special])
    func refused(kind: InboxEntryKind) {
        var watch = InboxWatch(settle: .zero)
        let view = watch.look([entry("a.csv", kind: kind), entry("a.csv.done")], now: .zero)
        #expect(view.ready.isEmpty)
        #expect(view.refused == ["a.csv": .notAFile(kind)])
    }

    @Test("the service's own folders are passed over in silence, a file of such a name is an export")
    func ownFolders() {
        var watch = InboxWatch(settle: .zero)
        let folders = InboxName.Folder.allCases.map { entry($0.rawValue, kind: .folder) }
        #expect(watch.look(folders, now: .zero) == InboxWatch.View())
        #expect(watch.look([entry("done")], now: .zero).ready.map(\.name) == ["done"])
    }

    @Test("the oldest comes first, and the name decides between two of the same time")
    func order() {
        var watch = InboxWatch(settle: .zero)
        let entries = [
            entry("new", modified: 30), entry("b", modified: 20), entry("a", modified: 20), entry("old", modified: 10),
        ]
        #expect(watch.look(entries, now: .zero).ready.map(\.name) == ["old", "a", "b", "new"])
    }

    @Test("no file is ever taken before it has been still, whatever happens", arguments: 1...20 as ClosedRange<UInt64>)
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let settle = Duration.seconds(5)
        var watch = InboxWatch(settle: settle)
        var files: [String: InboxEntry] = [:]
        // The looks at which each file was first seen as it is.
        var stillSince: [String: Duration] = [:]
        var now = Duration.zero
        for _ in 0..<400 {
            now += .milliseconds(Int.random(in: 1...3000, using: &random))
            for name in ["a", "b", "c"] where Int.random(in: 0..<4, using: &random) == 0 {
                let changed = entry(
                    name, size: Int.random(in: 0...3, using: &random), modified: Int.random(in: 0...3, using: &random))
                if files[name] != changed { stillSince[name] = nil }
                files[name] = Bool.random(using: &random) ? changed : nil
                if files[name] == nil { stillSince[name] = nil }
            }
            let view = watch.look(Array(files.values), now: now)
            for name in files.keys where stillSince[name] == nil { stillSince[name] = now }
            let expected = stillSince.filter { now - $0.value >= settle }.keys.sorted()
            #expect(view.ready.map(\.name).sorted() == expected, "seed \(seed), time \(now)")
            #expect(view.ready.count + view.waiting.count == files.count, "seed \(seed), time \(now)")
        }
    }
}

@Suite("Names, versions and times of exports")
struct ExportDecisionTests {
    @Test("only the newest snapshot of each kind is current; deltas and the unreadable always are")
    func supersession() {
        let exports: [(entry: InboxEntry, content: ExportContent, isApplied: Bool)] = [
            (entry("1"), .snapshot(of: [.customer]), true), (entry("2"), .snapshot(of: [.account]), true),
            (entry("3"), .delta, true), (entry("4"), .snapshot(of: [.customer]), true), (entry("5"), .unknown, true),
            (entry("6"), .delta, true), (entry("7"), .snapshot(of: [.customer]), true),
        ]
        let (current, void) = Supersession.split(exports)
        #expect(current.map(\.name) == ["2", "3", "5", "6", "7"])
        #expect(void.map(\.name) == ["1", "4"])
    }

    @Test("what lacks parts makes nothing void, and is void when a newer whole one is there")
    func supersessionOfIncomplete() {
        let (whole, lacking) = (ExportContent.snapshot(of: [.customer]), ExportContent.snapshot(of: [.customer]))
        let after = Supersession.split([(entry("1"), whole, true), (entry("2"), lacking, false)])
        #expect(after.void.isEmpty)
        let before = Supersession.split([(entry("1"), lacking, false), (entry("2"), whole, true)])
        #expect(before.void.map(\.name) == ["1"])
        let changes = Supersession.split([(entry("1"), .delta, false), (entry("2"), whole, true)])
        #expect(changes.void.isEmpty)
    }

    @Test(
        "a taken name gets a number before its extension",
        arguments: [
            ("a.csv", ["a.csv"], "a-2.csv"), ("a.csv", ["a.csv", "a-2.csv"], "a-3.csv"), ("a", ["a"], "a-2"),
            ("a.csv.gz", ["a.csv.gz"], "a.csv-2.gz"), ("a.csv", [], "a.csv"),
        ])
    func freeNames(name: String, taken: [String], expected: String) {
        #expect(InboxName.free(name) { taken.contains($0) } == expected)
    }

    @Test("an interrupted export is tried again after one interval, then after twice as long, at most ten minutes")
    func retries() {
        var times = RetryTimes()
        var now = Duration.zero
        var waits: [Int] = []
        for _ in 0..<9 {
            times.postpone("a", now: now, interval: .seconds(10))
            var wait = 0
            while !times.isDue("a", now: now + .seconds(wait)) { wait += 1 }
            waits.append(wait)
            now += .seconds(wait)
        }
        #expect(waits == [10, 20, 40, 80, 160, 320, 600, 600, 600])
        #expect(times.isDue("b", now: .zero))
        times.forget("a")
        #expect(times.isDue("a", now: .zero))
    }

    @Test("a service is alive while its last poll is not older than three intervals")
    func health() {
        var status = InboxStatus()
        #expect(!ServiceHealth(status, interval: .seconds(10), now: .zero).reasons.isEmpty)
        status.started = .seconds(1)
        #expect(ServiceHealth(status, interval: .seconds(10), now: .seconds(31)).isAlive)
        #expect(!ServiceHealth(status, interval: .seconds(10), now: .milliseconds(31_001)).isAlive)
        status.lastPoll = .seconds(100)
        let alive = ServiceHealth(status, interval: .seconds(10), now: .seconds(130))
        #expect(alive == ServiceHealth(isAlive: true, sinceLastPoll: .seconds(30), reasons: []))
        let silent = ServiceHealth(status, interval: .seconds(10), now: .milliseconds(130_001))
        #expect(!silent.isAlive)
        #expect(silent.reasons == ["no poll for 30 s, the interval is 10 s"])
        // A very short interval must not make every pause of the machine a death.
        #expect(ServiceHealth(status, interval: .milliseconds(100), now: .seconds(105)).isAlive)
        #expect(!ServiceHealth(status, interval: .milliseconds(100), now: .milliseconds(105_001)).isAlive)
    }

    @Test("what keeps a service from its work is told")
    func readiness() {
        var status = InboxStatus()
        status.started = .zero
        status.lastPoll = .zero
        status.pollFailure = "/inbox: cannot be listed: Permission denied"
        status.interruptions = ["b.csv": "the API is unavailable"]
        status.troubles = ["a.csv": "cannot be moved"]
        let health = ServiceHealth(status, interval: .seconds(10), now: .zero)
        #expect(
            health.reasons == [
                "the inbox cannot be read: /inbox: cannot be listed: Permission denied", "a.csv: cannot be moved",
            ])
        #expect(health.attention == ["b.csv is tried again: the API is unavailable"])
    }

    @Test("three failures in a row keep a service from its work as long as it waits, and are told afterwards")
    func held() {
        var status = InboxStatus()
        (status.started, status.lastPoll) = (.zero, .zero)
        for _ in 1...3 { status.backoff.failed(now: .zero) }
        let held = ServiceHealth(status, interval: .seconds(10), now: .zero)
        #expect(held.reasons.map { $0.hasPrefix("the last 3 runs failed; the next one begins in") } == [true])
        #expect(held.attention.isEmpty)
        status.lastPoll = .seconds(61)
        let goesOn = ServiceHealth(status, interval: .seconds(10), now: .seconds(61))
        #expect(goesOn.reasons.isEmpty)
        #expect(goesOn.attention == ["the last 3 runs failed; the next export decides; see the log"])
    }
}
