import CallPacing
import Foundation
import TestSupport
import Testing

@testable import ExportFiles
@testable import SyncService

@Suite("Which files are one export")
struct ExportSetsTests {
    private static let hour = Duration.seconds(3600)

    private static func sets(
        _ files: [InboxEntry], rule: PartsRule = .name, manifests: [InboxEntry] = []
    ) -> ExportSets {
        ExportSets(
            files, manifests: manifests.filter { !$0.lists.isEmpty }, rule: rule, within: hour,
            among: Set((files + manifests).map(\.name)))
    }

    @Test("parts are one export when all are there, whatever order they came in")
    func whole() {
        let files = [
            entry("c-3of3.csv", size: 3, modified: 30), entry("b.csv"), entry("c-1of3.csv", size: 1, modified: 10),
            entry("c-2of3.csv", size: 2, modified: 50),
        ]
        let sets = Self.sets(files)
        #expect(sets.single.map(\.name) == ["b.csv"])
        #expect(sets.incomplete.isEmpty)
        let set = sets.whole[0]
        #expect((set.name, set.size, set.modified, set.isSet) == ("c.csv.parts", 6, .seconds(50), true))
        #expect(set.parts.map(\.name) == ["c-1of3.csv", "c-2of3.csv", "c-3of3.csv"])
        #expect(Self.sets(files, rule: .off).single.count == 4)
    }

    @Test(
        "parts that are missing, there twice, of other counts or of an older export make no export",
        arguments: [
            ([("c-1of3.csv", 0), ("c-3of3.csv", 0)], ["only 2 of 3 parts are there: 1, 3"]),
            ([("c-1of2.csv", 0), ("c-01of2.csv", 0), ("c-2of2.csv", 0)], ["part 1 of 2 is there twice"]),
            ([("c-1of2.csv", 0), ("c_1of2.csv.gz", 0)], ["part 1 of 2 is there twice"]),
            (
                [("c-1of3.csv", 0), ("c-2of3.csv", 0), ("c-3of4.csv", 0)],
                ["only 2 of 3 parts are there: 1, 2", "only 1 of 4 parts are there: 3"]
            ),
            (
                [("c-1of3.csv", 0), ("c-2of3.csv", 0), ("c-3of3.csv", 3601)],
                [
                    "only 1 of 3 parts are there: 3; c-2of3.csv, c-1of3.csv are older than the newest part by more than "
                        + "3600 s (source.parts-within)",
                    "only 2 of 3 parts are there: 1, 2",
                ]
            ),
        ] as [([(String, Int)], [String])])
    func incomplete(files: [(String, Int)], problems: [String]) {
        let sets = Self.sets(files.map { entry($0.0, modified: 1000 + $0.1) })
        #expect(sets.whole.isEmpty)
        #expect(sets.incomplete.map(\.problem) == problems)
        #expect(sets.incomplete.flatMap(\.set.parts).count == files.count, "each file is in one of them")
    }

    @Test("a whole export beside what is left of an older one is taken")
    func leftBehind() {
        let sets = Self.sets([
            entry("c-1of2.csv", modified: 90_000), entry("c-2of2.csv", modified: 90_010),
            entry("c_1of2.csv", modified: 10),
        ])
        #expect(sets.whole.map { $0.parts.map(\.name) } == [["c-1of2.csv", "c-2of2.csv"]])
        #expect(sets.incomplete.map(\.problem) == ["only 1 of 2 parts are there: 1"])
    }

    @Test("what a manifest lists is one export; what none lists waits, unless it has its own")
    func manifests() {
        func manifest(_ name: String, _ lists: [String], modified: Int = 1000) -> InboxEntry {
            var manifest = entry(name + ".manifest.json", modified: modified)
            manifest.lists = lists
            return manifest
        }
        let files = ["a.csv", "b.csv", "c.csv", "d.csv"].map { entry($0) }
        let own = entry("d.csv.manifest.json")
        let whole = Self.sets(files, rule: .manifest, manifests: [manifest("x", ["b.csv", "a.csv"]), own])
        #expect(whole.whole.map(\.name) == ["x.parts"] && whole.whole[0].manifest == "x.manifest.json")
        #expect(whole.whole[0].parts.map(\.name) == ["b.csv", "a.csv"])
        #expect(whole.single.map(\.name) == ["d.csv"] && whole.unlisted.map(\.name) == ["c.csv"])
        let missing = Self.sets(files, rule: .manifest, manifests: [manifest("x", ["a.csv", "e.csv"])])
        #expect(missing.whole.isEmpty)
        #expect(missing.incomplete.map(\.problem) == ["e.csv is not there, or not yet whole"])
        let old = Self.sets(files, rule: .manifest, manifests: [manifest("x", ["a.csv", "b.csv"], modified: 9000)])
        #expect(
            old.incomplete.map(\.problem) == [
                "a.csv, b.csv are older than the newest part by more than 3600 s (source.parts-within)"
            ])
        let two = Self.sets(
            files, rule: .manifest, manifests: [manifest("x", ["a.csv", "b.csv"]), manifest("y", ["b.csv", "c.csv"])])
        #expect(two.whole.map(\.name) == ["y.parts"])
        #expect(two.incomplete.map(\.problem) == ["b.csv is listed in another manifest, too"])
    }

    @Test("whatever comes in whatever order, an export has each part once, and parts of one time", arguments: 0..<300)
    func anyFiles(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var files: [String: InboxEntry] = [:]
        for step in 0..<60 {
            let count = Int.random(in: 1...4, using: &random)
            let number = Int.random(in: 0...count, using: &random)
            let stem = ["c", "c-20261127", "c_"].randomElement(using: &random) ?? "c"
            let name = random.oneIn(6) ? "single.csv" : "\(stem)-\(number)of\(count).csv"
            files[name] = entry(name, modified: step * Int.random(in: 0...2000, using: &random), inode: UInt64(step))
            if random.oneIn(4), let gone = files.keys.sorted().randomElement(using: &random) { files[gone] = nil }
            let sets = Self.sets(Array(files.values))
            let all = sets.single + sets.whole.flatMap(\.parts) + sets.incomplete.flatMap(\.set.parts)
            #expect(all.map(\.name).sorted() == files.keys.sorted(), "seed \(seed): each file is in one export")
            for set in sets.whole {
                let parts = set.parts.compactMap { PartName($0.name) }
                let numbers = parts.map(\.number)
                #expect(Set(parts.map(\.count)) == [parts.count], "seed \(seed)")
                #expect(numbers == Array(1...parts.count) || numbers == Array(0..<parts.count), "seed \(seed)")
                let times = set.parts.map(\.modified)
                #expect((times.max() ?? .zero) - (times.min() ?? .zero) <= Self.hour, "seed \(seed)")
                #expect(set.modified == times.max())
            }
        }
    }

    @Test("a look waits for each part by itself, and says what is missing when nothing has changed for long")
    func looks() {
        var watch = InboxWatch(settle: .seconds(5))
        let (first, second) = (entry("c-1of2.csv", modified: 1000), entry("c-2of2.csv", modified: 1010))
        _ = watch.look([first], now: .zero)
        let alone = watch.look([first], now: .seconds(10))
        #expect(alone.ready.isEmpty && alone.waiting.isEmpty)
        #expect(alone.incomplete.map(\.isOverdue) == [false])
        let late = watch.look([first], now: .seconds(610))
        #expect(late.incomplete.map(\.isOverdue) == [true])
        #expect(
            late.incomplete.map(\.sentence) == [
                "c.csv is not applied: only 1 of 2 parts are there: 1; nothing has changed for 600 s"
            ])
        let writing = watch.look([first, second], now: .seconds(620))
        #expect(writing.ready.isEmpty && writing.waiting.keys.sorted() == ["c-2of2.csv"])
        let whole = watch.look([first, second], now: .seconds(630))
        #expect(whole.ready.map(\.name) == ["c.csv.parts"] && whole.incomplete.isEmpty)
        let replaced = entry("c-1of2.csv", modified: 1020, inode: 9)
        let again = watch.look([replaced, second], now: .seconds(640))
        #expect(again.ready.isEmpty && again.incomplete.map(\.waited) == [.zero])
    }
}
