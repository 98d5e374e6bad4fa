import Foundation
import TestSupport
import Testing

@testable import ExportFiles
@testable import SyncService

@Suite("The parts of an export in the folders of an inbox")
struct InboxSetsTests {
    private let scratch: TemporaryFolder
    private let inbox: Inbox

    init() throws {
        scratch = try TemporaryFolder()
        inbox = Inbox(folder: scratch.path)
        try inbox.heal()
    }

    private func write(_ text: String = "x") throws {
        for number in 1...3 { try scratch.write("\(text)\(number)", to: "c-\(number)of3.csv", modified: 1000 + number) }
    }

    private func set() throws -> InboxEntry {
        var watch = InboxWatch(settle: .zero, rules: inbox.rules)
        let view = watch.look(try inbox.list().entries, now: .zero)
        return try #require(view.ready.first(where: \.isSet) ?? view.incomplete.first?.set)
    }

    /// What is in the inbox, without its folders.
    private var inInbox: [String] { scratch.names().filter { InboxName.Folder(rawValue: $0) == nil } }

    @Test("parts go everywhere together, each with its companions, their report beside them")
    func wayThrough() throws {
        try write()
        try scratch.write("{}", to: "c-1of3.csv.manifest.json")
        try scratch.write("d", to: "c-2of3.csv.done")
        let export = try #require(try inbox.claim(try set()))
        #expect(export.name == "c.csv.parts" && export.entry.manifest == nil && !export.isResumed)
        let working = scratch.path + "/working/c.csv.parts/"
        #expect(export.files == (1...3).map { "\(working)c-\($0)of3.csv" } && export.exports == export.files)
        #expect(inInbox.isEmpty)
        #expect(
            scratch.names(in: "working/c.csv.parts")
                == ["c-1of3.csv", "c-1of3.csv.manifest.json", "c-2of3.csv", "c-2of3.csv.done", "c-3of3.csv"])
        #expect(try inbox.unfinished().map(\.files) == [export.files])
        try scratch.createFolder("report")
        try scratch.write("{}", to: "report/report.json")
        try inbox.finish(export, to: .waiting, reason: "it waits", report: scratch.path + "/report")
        #expect(scratch.names(in: "waiting") == ["c.csv.parts", "c.csv.parts.report"])
        let waiting = try inbox.waiting()
        #expect(waiting.map(\.name) == ["c.csv.parts"] && waiting[0].size == 6)
        #expect(try inbox.release("c.csv.parts"))
        let released = try #require(try inbox.unfinished().first)
        try inbox.finish(released, to: .done)
        #expect(scratch.names(in: "done") == ["c.csv.parts"])
        // The next one of the same name.
        try write("y")
        try inbox.finish(try #require(try inbox.claim(try set())), to: .done)
        #expect(scratch.names(in: "done") == ["c.csv-2.parts", "c.csv.parts"])
        #expect(try scratch.read("done/c.csv-2.parts/c-3of3.csv") == "y3")
    }

    @Test("what a list of checksums says goes with each part")
    func checksums() throws {
        try write()
        let digest = String(repeating: "0", count: 64)
        try scratch.write("\(digest)  c-2of3.csv\n", to: "SHA256SUMS")
        let export = try #require(try inbox.claim(try set()))
        #expect(try String(contentsOfFile: export.files[1] + ".sha256", encoding: .utf8) == "\(digest)  c-2of3.csv\n")
        #expect(inInbox == ["SHA256SUMS"])
    }

    @Test("a manifest goes with what it lists, and gives the order")
    func manifest() throws {
        var inbox = inbox
        inbox.rules.parts = .manifest
        for name in ["b.csv", "a.csv"] { try scratch.write(name, to: name) }
        try scratch.write(#"{"parts": ["b.csv", "a.csv"]}"#, to: "x.manifest.json")
        var watch = InboxWatch(settle: .zero, rules: inbox.rules)
        let view = watch.look(try inbox.list().entries, now: .zero)
        #expect(view.ready.map(\.name) == ["x.parts"] && view.waiting.isEmpty)
        let export = try #require(try inbox.claim(view.ready[0]))
        let working = scratch.path + "/working/x.parts/"
        #expect(export.files == ["\(working)b.csv", "\(working)a.csv"])
        #expect(export.exports == ["\(working)x.manifest.json"])
        #expect(try inbox.unfinished().map(\.exports) == [export.exports])
    }

    @Test("a part that changed or went away since it was seen leaves all of them where they were", arguments: 1...3)
    func changed(number: Int) throws {
        try write()
        try scratch.write("{}", to: "c-1of3.csv.manifest.json")
        let seen = try set()
        let name = "c-\(number)of3.csv"
        try scratch.write("another", to: name)
        #expect(try inbox.claim(seen) == nil)
        let names = ["c-1of3.csv", "c-1of3.csv.manifest.json", "c-2of3.csv", "c-3of3.csv"]
        #expect(inInbox == names && scratch.names(in: "working").isEmpty)
        try FileManager.default.removeItem(atPath: scratch.path(name))
        #expect(try inbox.claim(seen) == nil)
        #expect(inInbox == names.filter { $0 != name } && scratch.names(in: "working").isEmpty)
    }

    @Test("the process ends after any of the moves: the next one puts all parts back, and loses none", arguments: 0...3)
    func killed(moves: Int) throws {
        try write()
        try scratch.createFolder("working/.gathering")
        for number in 1...3 where number <= moves {
            try FileManager.default.moveItem(
                atPath: scratch.path("c-\(number)of3.csv"),
                toPath: scratch.path("working/.gathering/c-\(number)of3.csv"))
        }
        #expect(try inbox.unfinished().isEmpty, "what is not all there is not worked on")
        try inbox.heal()
        try inbox.putBack()
        #expect(inInbox == ["c-1of3.csv", "c-2of3.csv", "c-3of3.csv"])
        #expect(scratch.names(in: "working").isEmpty)
        #expect(try inbox.claim(try set()) != nil)
    }

    @Test("a part that came again after the process ended is the one that counts")
    func cameAgain() throws {
        try write()
        try scratch.createFolder("working/.gathering")
        try scratch.write("older", to: "working/.gathering/c-1of3.csv")
        try inbox.putBack()
        #expect(try scratch.read("c-1of3.csv") == "x1")
        #expect(try scratch.read("superseded/c-1of3.csv") == "older")
    }

    @Test("what lacks a part is moved aside together for a newer export")
    func superseded() throws {
        try write()
        try FileManager.default.removeItem(atPath: scratch.path("c-2of3.csv"))
        let entry = try set()
        #expect(try inbox.supersede([entry]) == [entry])
        #expect(inInbox.isEmpty)
        #expect(scratch.names(in: "superseded/c.csv.parts") == ["c-1of3.csv", "c-3of3.csv"])
    }

    @Test("a folder that others put into an inbox is no export, whatever its name is")
    func foreign() throws {
        try scratch.createFolder("c.csv.parts")
        try scratch.write("x", to: "c.csv.parts/c-1of1.csv")
        var watch = InboxWatch(settle: .zero, rules: inbox.rules)
        let view = watch.look(try inbox.list().entries, now: .zero)
        #expect(view.ready.isEmpty && view.refused == ["c.csv.parts": .notAFile(.folder)])
    }
}
