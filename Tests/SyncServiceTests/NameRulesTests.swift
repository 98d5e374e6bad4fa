import Testing

@testable import SyncService

@Suite("What names mean")
struct NameRulesTests {
    private static func meaning(_ name: String, size: Int = 10, _ change: (inout NameRules) -> Void = { _ in })
        -> NameRules.Meaning
    {
        var rules = NameRules()
        change(&rules)
        return rules.meaning(of: entry(name, size: size))
    }

    @Test(
        "exports are taken by their usual names, whatever the case",
        arguments: [
            "customers.csv", "CUSTOMERS.CSV", "a b.xml", "ü.tsv", "c.xlsx", "c.csv.gz", "c.zip", "c.xml.zst",
            "c.csv.bz2",
            "c.csv.gpg", "-rf.csv", "c [1]*?.csv", "_c.csv",
        ])
    func exports(name: String) { #expect(Self.meaning(name) == .export) }

    @Test(
        "what is always left alone is not included by a glob either",
        arguments: [
            ".csv", ".hidden.csv", "~$customers.csv", "customers.csv~", "c.csv.tmp", "c.csv.part", "c.csv.partial",
            "c.csv.filepart", "c.csv.crdownload", "c.csv.download", "c.csv.writing", "c.csv.inprogress", "c.csv.swp",
            "c.csv.camelLock", "customers.csv.1a2b3c4d.partial", "Thumbs.db", "THUMBS.DB", "desktop.ini",
        ])
    func leftAlone(name: String) {
        #expect(Self.meaning(name) == .leftAlone)
        #expect(Self.meaning(name) { $0.include = ["*"] } == .leftAlone)
    }

    @Test(
        "companions are no exports",
        arguments: [
            "c.csv.done", "c.csv.manifest.json", "c.csv.md5", "c.csv.sha1", "c.csv.sha256", "SHA256SUMS", "MD5SUMS",
        ])
    func companions(name: String) {
        #expect(Self.meaning(name) == .companion)
        #expect(Self.meaning(name) { $0.include = ["*"] } == .companion)
    }

    @Test(
        "an empty file that is a sign is left alone, another one is not",
        arguments: ["_SUCCESS", "c.ok", "c.trg", "c.READY"])
    func signs(name: String) {
        #expect(Self.meaning(name, size: 0) == .leftAlone)
        #expect(Self.meaning(name) == .notIncluded)
        #expect(Self.meaning("empty.csv", size: 0) == .export)
    }

    @Test("settings include and exclude")
    func settings() {
        #expect(Self.meaning("report.pdf") == .notIncluded)
        #expect(Self.meaning("report.pdf") { $0.include = ["*.PDF"] } == .export)
        #expect(Self.meaning("test-1.csv") { $0.exclude = ["test-*"] } == .excluded)
        #expect(Self.meaning("a1.csv") { $0.include = ["[ab]?.csv"] } == .export)
        #expect(Self.meaning("c1.csv") { $0.include = ["[ab]?.csv"] } == .notIncluded)
        #expect(Self.meaning("c.ok") { $0.triggers = [".ok"] } == .companion)
        #expect(Self.meaning("_SUCCESS") { $0.triggers = ["_SUCCESS"] } == .companion)
    }

    private static func watch(_ change: (inout NameRules) -> Void = { _ in }) -> InboxWatch {
        var rules = NameRules()
        change(&rules)
        return InboxWatch(settle: .seconds(5), rules: rules)
    }

    @Test(
        "with a trigger no export is taken before it is there and as new as the export",
        arguments: ["a.csv.ok", "a.ok", "_SUCCESS"])
    func triggers(trigger: String) {
        var watch = Self.watch { $0.triggers = [".ok", "_SUCCESS"] }
        for second in 0...3 {
            let view = watch.look([entry("a.csv")], now: .seconds(second * 100))
            #expect(view.ready.isEmpty && view.waiting == ["a.csv": .withoutTrigger])
        }
        let old = watch.look([entry("a.csv"), entry(trigger, size: 0, modified: 999)], now: .seconds(400))
        #expect(old.ready.isEmpty)
        let view = watch.look([entry("a.csv"), entry(trigger, size: 0)], now: .seconds(401))
        #expect(view.ready.map(\.name) == ["a.csv"] && view.waiting.isEmpty && view.refused.isEmpty)
    }

    @Test("a marker that is older than its export says nothing of it", arguments: [".done", ".manifest.json"])
    func oldMarker(ending: String) {
        var watch = Self.watch()
        let entries = [entry("a.csv"), entry("a.csv" + ending, modified: 999)]
        #expect(watch.look(entries, now: .zero).ready.isEmpty)
        #expect(watch.look(entries, now: .seconds(5)).ready.map(\.name) == ["a.csv"])
    }

    @Test(
        "a checksum that is older than its export is waited for, ten minutes", arguments: ["a.csv.md5", "SHA256SUMS"])
    func oldChecksum(name: String) {
        var watch = Self.watch()
        let entries = [entry("a.csv"), entry(name, modified: 999)]
        #expect(watch.look(entries, now: .zero).waiting["a.csv"] == .oldChecksum(for: .seconds(600)))
        #expect(watch.look(entries, now: .seconds(599)).waiting["a.csv"] == .oldChecksum(for: .seconds(1)))
        #expect(watch.look(entries, now: .seconds(600)).ready.map(\.name) == ["a.csv"])
        watch = Self.watch()
        _ = watch.look(entries, now: .zero)
        let new = watch.look([entry("a.csv"), entry(name, modified: 1000)], now: .seconds(10))
        #expect(new.ready.map(\.name) == ["a.csv"])
    }

    @Test("what is not included is told with the setting that takes it, ten names at most")
    func notes() {
        var watch = Self.watch()
        let view = watch.look((10..<25).map { entry("\($0).pdf") }, now: .zero)
        let notes = InboxWatch.Refusal.notes(view.refused)
        #expect(notes.count == 11 && notes.last == "5 more names are not taken; the log has them")
        #expect(
            notes.first
                == "10.pdf is not taken: its name is not that of an export; if it is one, add it to source.include")
    }
}
