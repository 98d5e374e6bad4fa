import Foundation
import Ledger
import TestSupport
import Testing

@testable import SyncService

@Suite("The folders of an inbox")
struct InboxTests {
    private let scratch: TemporaryFolder
    private let inbox: Inbox

    init() throws {
        scratch = try TemporaryFolder()
        inbox = Inbox(folder: scratch.path)
        try inbox.heal()
    }

    private func claim(_ name: String) throws -> ClaimedExport? {
        try inbox.claim(try #require(try inbox.list().entries.first { $0.name == name }))
    }

    @Test("its folders are made, once")
    func prepares() throws {
        try inbox.heal()
        #expect(scratch.names() == ["done", "failed", "superseded", "waiting", "working"])
    }

    @Test("a missing inbox is an error, not an empty inbox")
    func missing() throws {
        let missing = Inbox(folder: scratch.path + "/nowhere")
        #expect(throws: InboxError.self) { try missing.heal() }
        #expect(throws: InboxError.self) { try missing.list() }
        #expect(!FileManager.default.fileExists(atPath: missing.folder))
    }

    @Test("a listing tells files, folders, links and pipes apart, and follows no link")
    func kinds() throws {
        try scratch.write("12345", to: "a.csv", modified: 1_000_000)
        try scratch.createFolder("folder")
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path + "/link.csv", withDestinationPath: "/etc/passwd")
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/broken", withDestinationPath: "nowhere")
        let entries = try inbox.list().entries.filter { InboxName.Folder(rawValue: $0.name) == nil }
        var kinds: [String: InboxEntryKind] = [:]
        for entry in entries { kinds[entry.name] = entry.kind }
        #expect(kinds == ["a.csv": .regular, "folder": .folder, "link.csv": .link, "broken": .link])
        let file = try #require(entries.first { $0.name == "a.csv" })
        #expect(file.size == 5)
        #expect(file.modified == .seconds(1_000_000))
    }

    @Test(
        "what is over is removed when it was there for long enough, with all that lies beside it, and nothing else is")
    func removesOld() throws {
        var inbox = inbox
        inbox.keptFor = .seconds(10 * 86_400)
        let places: [InboxName.Folder] = [.done, .failed, .superseded, .waiting]
        for place in places {
            let name = "\(place.rawValue).csv"
            // Its own time is of long ago.
            try scratch.write("x", to: name, modified: 1000)
            try scratch.write("{}", to: name + ".manifest.json")
            try inbox.finish(try #require(try claim(name)), to: place, reason: "because")
            try scratch.write("mine", to: "\(place.rawValue)/.hidden")
        }
        try scratch.write("x", to: "next.csv", modified: 1000)
        let now = Duration.seconds(Int64(Date().timeIntervalSince1970))
        try inbox.removeOld(now: now + .seconds(9 * 86_400))
        for place in places { #expect(scratch.names(in: place.rawValue).count == 4) }
        try inbox.removeOld(now: now + .seconds(11 * 86_400))
        for place in places {
            #expect(scratch.names(in: place.rawValue).count == (place == .waiting ? 4 : 1))
        }
        #expect(scratch.names().contains("next.csv"))
    }

    @Test("reports of runs that are no longer kept go, their exports stay")
    func removesOldReports() throws {
        var inbox = inbox
        inbox.keptReports = RunRetention(window: .zero)
        try scratch.write("x", to: "a.csv")
        try inbox.finish(try #require(try claim("a.csv")), to: .done, reason: "because")
        let now = Duration.seconds(Int64(Date().timeIntervalSince1970))
        try inbox.removeOld(now: now + .seconds(399 * 86_400))
        #expect(scratch.names(in: "done") == ["a.csv", "a.csv.report"])
        try inbox.removeOld(now: now + .seconds(401 * 86_400))
        #expect(scratch.names(in: "done") == ["a.csv"])
    }

    @Test(
        "the next process ends the move of an export that has moved, and removes what is half made",
        arguments: [InboxName.Folder.done, .failed, .superseded, .waiting])
    func endsMoves(place: InboxName.Folder) throws {
        let folder = place.rawValue
        for name in ["a.csv", "late.csv", String(repeating: "a", count: 225)] {
            let half = FolderCalls.unfinished(Inbox.report(of: name))
            try scratch.createFolder("\(folder)/\(half)")
            try scratch.write("because", to: "\(folder)/\(half)/reason.txt")
        }
        // Of the second one the export has not moved yet.
        try scratch.write("a", to: "\(folder)/a.csv")
        try scratch.write("a", to: "\(folder)/" + String(repeating: "a", count: 225))
        try scratch.write("own", to: "\(folder)/\(FolderCalls.unfinished("copy.csv"))")
        try scratch.write("x", to: ".sent-by-others.csv.part")
        try inbox.endMoves()
        let long = Inbox.report(of: String(repeating: "a", count: 225))
        #expect(
            scratch.names(in: folder)
                == ["a.csv", "a.csv.report", String(repeating: "a", count: 225), long].sorted())
        #expect(try scratch.read("\(folder)/a.csv.report/reason.txt") == "because")
        #expect(scratch.names().contains(".sent-by-others.csv.part"))
        try inbox.endMoves()
        #expect(scratch.names(in: folder).count == 4)
    }

    @Test(
        "an export that was on its way out when the process ended is read again with the manifest that it came with",
        arguments: [("a.csv", 0), ("a.csv", 1), ("a.csv", 2), ("a-2.csv", 1), ("a-2.csv", 2)])
    func takesBackCompanions(name: String, moved: Int) throws {
        if name != "a.csv" { try scratch.write("earlier", to: "failed/a.csv") }
        try scratch.write("x", to: "working/a.csv")
        let half = FolderCalls.unfinished(Inbox.report(of: name))
        try scratch.createFolder("failed/\(half)")
        for (place, ending) in [".manifest.json", ".sha256"].enumerated() {
            try scratch.write(ending, to: place < moved ? "failed/\(name)\(ending)" : "working/a.csv\(ending)")
        }
        // Of an export that was taken away.
        try scratch.write("{}", to: "done/a.csv.manifest.json")
        try inbox.endMoves()
        #expect(scratch.names(in: "working") == ["a.csv", "a.csv.manifest.json", "a.csv.sha256"])
        #expect(try scratch.read("working/a.csv.manifest.json") == ".manifest.json")
        #expect(scratch.names(in: "failed") == (name == "a.csv" ? [] : ["a.csv"]))
        #expect(scratch.names(in: "done") == ["a.csv.manifest.json"])
    }

    @Test("companions that came without their export go back to it, and keep no later one of its name out")
    func putsBackCompanions() throws {
        try scratch.write("x", to: "a.csv")
        try scratch.write("a", to: "working/a.csv.manifest.json")
        try scratch.write("x", to: "b.csv")
        try scratch.write("newer", to: "b.csv.manifest.json")
        try scratch.write("older", to: "working/b.csv.manifest.json")
        try scratch.write("x", to: "waiting/c.csv")
        try scratch.write("c", to: "working/c.csv.manifest.json")
        try scratch.write("gone", to: "working/d.csv.sha256")
        let digest = String(repeating: "0", count: 64)
        try scratch.write("x", to: "e.csv")
        try scratch.write("\(digest)  e.csv\n", to: "SHA256SUMS")
        try scratch.write("\(digest)  e.csv\n", to: "working/e.csv.sha256")
        try inbox.endMoves()
        #expect(scratch.names(in: "working").isEmpty)
        #expect(try scratch.read("a.csv.manifest.json") == "a")
        #expect(try scratch.read("b.csv.manifest.json") == "newer")
        #expect(try scratch.read("waiting/c.csv.manifest.json") == "c")
        #expect(scratch.names(in: "superseded") == ["b.csv.manifest.json", "d.csv.sha256"])
        #expect(!scratch.names().contains("e.csv.sha256"))
        for name in ["a.csv", "b.csv", "e.csv"] { #expect(try claim(name) != nil) }
        #expect(try scratch.read("working/b.csv.manifest.json") == "newer")
    }

    @Test("names are only names", arguments: ["a b.csv", "..csv", "-rf", "line\nbreak.csv", "\u{1B}[31m.csv", "ü.csv"])
    func oddNames(name: String) throws {
        try scratch.write("x", to: name)
        let export = try #require(try claim(name))
        #expect(scratch.names(in: "working") == [name])
        try inbox.finish(export, to: .done)
        #expect(scratch.names(in: "done") == [name])
    }

    @Test("a claimed export lies in working/ with its companions, and in done/ with its report beside it")
    func wayThrough() throws {
        try scratch.write("data", to: "a.csv")
        try scratch.write("{}", to: "a.csv.manifest.json")
        try scratch.write("", to: "a.csv.done")
        try scratch.createFolder("report")
        for name in ["report.json", "report.html", "results.csv", "rejects.csv", "rejects-2.xml", "latency.hlog"] {
            try scratch.write(name, to: "report/\(name)")
        }
        let export = try #require(try claim("a.csv"))
        #expect(export.name == "a.csv" && export.path == scratch.path + "/working/a.csv" && !export.isResumed)
        #expect(scratch.names(in: "working") == ["a.csv", "a.csv.done", "a.csv.manifest.json"])

        let finished = try inbox.finish(export, to: .done, report: scratch.path + "/report")
        #expect(finished == Inbox.Finished(name: "a.csv", reportProblem: nil))
        #expect(scratch.names(in: "working").isEmpty)
        #expect(scratch.names(in: "done") == ["a.csv", "a.csv.done", "a.csv.manifest.json", "a.csv.report"])
        #expect(
            scratch.names(in: "done/a.csv.report")
                == ["rejects-2.xml", "rejects.csv", "report.html", "report.json", "results.csv"])
        #expect(try scratch.read("done/a.csv") == "data")
    }

    @Test("nothing is overwritten: a taken name gets a number, with its companions and its report")
    func conflicts() throws {
        for text in ["first", "second", "third"] {
            try scratch.write(text, to: "a.csv")
            try scratch.write(text, to: "a.csv.manifest.json")
            try inbox.finish(try #require(try claim("a.csv")), to: .failed, reason: "\(text) failed")
        }
        #expect(
            scratch.names(in: "failed") == [
                "a-2.csv", "a-2.csv.manifest.json", "a-2.csv.report", "a-3.csv", "a-3.csv.manifest.json",
                "a-3.csv.report", "a.csv", "a.csv.manifest.json", "a.csv.report",
            ])
        for (name, text) in [("a", "first"), ("a-2", "second"), ("a-3", "third")] {
            #expect(try scratch.read("failed/\(name).csv") == text)
            #expect(try scratch.read("failed/\(name).csv.manifest.json") == text)
            #expect(try scratch.read("failed/\(name).csv.report/reason.txt") == "\(text) failed\n")
        }
    }

    @Test("a file that changed since it was seen is put back")
    func changed() throws {
        try scratch.write("short", to: "a.csv")
        try scratch.write("{}", to: "a.csv.manifest.json")
        let seen = try #require(try inbox.list().entries.first { $0.name == "a.csv" })
        try scratch.write("much longer", to: "a.csv")
        #expect(try inbox.claim(seen) == nil)
        #expect(scratch.names(in: "working").isEmpty)
        #expect(try scratch.read("a.csv") == "much longer")
        #expect(try scratch.read("a.csv.manifest.json") == "{}")
    }

    @Test("a file that was exchanged for a link is put back, unread")
    func exchanged() throws {
        try scratch.write("data", to: "a.csv")
        let seen = try #require(try inbox.list().entries.first { $0.name == "a.csv" })
        try FileManager.default.removeItem(atPath: scratch.path + "/a.csv")
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/a.csv", withDestinationPath: "/etc/passwd")
        #expect(try inbox.claim(seen) == nil)
        #expect(scratch.names(in: "working").isEmpty)
    }

    @Test("a file that is gone is not claimed, nor one whose name is being worked on")
    func notClaimed() throws {
        try scratch.write("first", to: "a.csv")
        _ = try claim("a.csv")
        try scratch.write("second", to: "a.csv")
        #expect(try claim("a.csv") == nil)
        #expect(try scratch.read("a.csv") == "second")
        #expect(try scratch.read("working/a.csv") == "first")
        #expect(try inbox.claim(entry("gone.csv")) == nil)
    }

    @Test("what lies in working/ is found again, the oldest first, companions aside")
    func unfinished() throws {
        try scratch.write("x", to: "working/new.csv", modified: 2000)
        try scratch.write("x", to: "working/old.csv", modified: 1000)
        try scratch.write("x", to: "working/old.csv.manifest.json")
        try scratch.write("x", to: "working/.hidden")
        let found = try inbox.unfinished()
        #expect(found.map(\.name) == ["old.csv", "new.csv"])
        #expect(found.map(\.path) == ["old.csv", "new.csv"].map { scratch.path + "/working/\($0)" })
        #expect(found.map(\.isResumed) == [true, true])
    }

    @Test("a waiting export goes back to working/ when it is released")
    func release() throws {
        try scratch.write("data", to: "a.csv")
        try scratch.write("{}", to: "a.csv.manifest.json")
        try inbox.finish(try #require(try claim("a.csv")), to: .waiting, reason: "a guard refused")
        #expect(try inbox.waiting().map(\.name) == ["a.csv"])
        try inbox.release("a.csv")
        #expect(try inbox.waiting().isEmpty)
        #expect(try inbox.unfinished().map(\.name) == ["a.csv"])
        #expect(scratch.names(in: "working") == ["a.csv", "a.csv.manifest.json"])
        let isReleased = try inbox.release("a.csv")
        #expect(!isReleased)
    }

    @Test("a report that cannot be copied does not hold up its export, and is told")
    func missingReport() throws {
        try scratch.write("data", to: "a.csv")
        let finished = try inbox.finish(
            try #require(try claim("a.csv")), to: .done, report: scratch.path + "/nowhere")
        #expect(finished.reportProblem != nil)
        #expect(scratch.names(in: "done").contains("a.csv"))
        #expect(!scratch.names(in: "done").contains("a.csv.report"))
    }
}
