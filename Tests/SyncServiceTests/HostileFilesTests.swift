import CallPacing
import DurableFiles
import Foundation
import TestSupport
import Testing

@testable import SyncService

@Suite("Files that are not as they should be")
struct HostileFilesTests {
    private let scratch: TemporaryFolder
    private let inbox: Inbox

    init() throws {
        scratch = try TemporaryFolder()
        inbox = Inbox(folder: scratch.path)
        try inbox.heal()
    }

    private func seen(_ name: String) throws -> InboxEntry {
        try #require(try inbox.list().entries.first { $0.name == name })
    }

    @Test(
        "a name is data: it moves through the folders as it is",
        arguments: [
            "two words.csv", "line\nend.csv", "a..b.csv", "..\\up.csv", "-rf.csv", "'quoted'; $(x).csv",
            "ünï\u{1F600}.csv",
            "tab\tand\u{1B}[31m.csv", String(repeating: "n", count: 240) + ".csv",
        ])
    func names(name: String) throws {
        try scratch.write("x", to: name)
        let export = try #require(try inbox.claim(try seen(name)))
        #expect(scratch.names(in: "working") == [name])
        try inbox.finish(export, to: .done)
        #expect(scratch.names(in: "done") == [name])
        #expect(Set(scratch.names()) == Set(InboxName.Folder.allCases.map(\.rawValue)))
    }

    @Test("a link out of the inbox, a folder and a pipe are refused and never opened")
    func kinds() throws {
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path + "/link.csv", withDestinationPath: "/etc/passwd")
        try scratch.createFolder("folder.csv")
        let made = unsafe mkfifo(scratch.path + "/pipe.csv", 0o600)
        #expect(made == 0)
        var watch = InboxWatch(settle: .zero)
        let view = watch.look(try inbox.list().entries, now: .zero)
        #expect(view.ready.isEmpty)
        #expect(
            view.refused == [
                "link.csv": .notAFile(.link), "folder.csv": .notAFile(.folder), "pipe.csv": .notAFile(.special),
            ])
    }

    @Test("a file that was renamed, deleted, replaced or exchanged for a link since it was seen is not taken")
    func changedInBetween() throws {
        for name in ["renamed.csv", "deleted.csv", "replaced.csv", "linked.csv"] { try scratch.write("x", to: name) }
        let entries = try inbox.list().entries
        func entry(_ name: String) throws -> InboxEntry { try #require(entries.first { $0.name == name }) }
        let files = FileManager.default
        try files.moveItem(atPath: scratch.path + "/renamed.csv", toPath: scratch.path + "/other.csv")
        try files.removeItem(atPath: scratch.path + "/deleted.csv")
        try scratch.write("longer", to: "new")
        let renamed = unsafe rename(scratch.path + "/new", scratch.path + "/replaced.csv")
        #expect(renamed == 0)
        try files.removeItem(atPath: scratch.path + "/linked.csv")
        try files.createSymbolicLink(atPath: scratch.path + "/linked.csv", withDestinationPath: "/etc/passwd")
        for name in ["renamed.csv", "deleted.csv", "replaced.csv", "linked.csv"] {
            #expect(try inbox.claim(try entry(name)) == nil, "\(name)")
        }
        #expect(scratch.names(in: "working").isEmpty)
        #expect(try scratch.read("replaced.csv") == "longer")
        #expect(scratch.names().contains("other.csv"))
    }

    @Test("an export that somebody deletes while it is synced ends with a word and not the service")
    func deletedWhileRead() async throws {
        try scratch.write("x", to: "a.csv", modified: 1)
        try scratch.write("x", to: "b.csv", modified: 2)
        let service = InboxService(
            inbox: inbox, options: .init(settle: .zero, once: true), time: .system, logger: .silent,
            work: ScriptedWork { export, _ in
                if export.name == "a.csv" { try? FileManager.default.removeItem(atPath: export.path) }
                return .done(report: nil)
            })
        try await service.run()
        #expect(scratch.names(in: "done") == ["b.csv"])
        #expect(service.status().troubles["a.csv"]?.contains("cannot be moved") == true)
    }

    /// A folder on another file system than the temporary one; nil where there is none.
    static let elsewhere: String? = {
        let folder = "/dev/shm"
        let temporary = FileManager.default.temporaryDirectory.path
        guard FileManager.default.isWritableFile(atPath: folder), let one = try? FolderCalls.device(of: folder),
            let other = try? FolderCalls.device(of: temporary), one != other
        else { return nil }
        return folder
    }()

    @Test(
        "a file moves to another file system whole and with its time, and is removed here",
        .enabled(if: elsewhere != nil))
    func anotherFileSystem() throws {
        let path = "\(try #require(Self.elsewhere))/cartsync-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (here, there) = (try OpenFolder(scratch.path), try OpenFolder(path))
        let text = String(repeating: "customer,cart\n", count: 200_000)
        try scratch.write(text, to: "a.csv", modified: 1000)
        // What a crash in the middle of a copy left behind is in nobody's way.
        try "cut".write(toFile: path + "/.b.csv.part", atomically: false, encoding: .utf8)
        let entry = try seen("a.csv")

        try FolderCalls.move("a.csv", from: here, to: there, as: "b.csv")
        #expect(try String(contentsOfFile: path + "/b.csv", encoding: .utf8) == text)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["b.csv"])
        let copy = try #require(try FolderCalls.entry("b.csv", in: there))
        #expect(copy.isSameFile(orCopyOf: entry, onAnotherDevice: true) && !copy.isSameFile(as: entry))
        #expect(!scratch.names().contains("a.csv"))

        // A name that is taken stays, and a link is not followed.
        try scratch.write("other", to: "a.csv")
        #expect(throws: InboxError.self) { try FolderCalls.move("a.csv", from: here, to: there, as: "b.csv") }
        #expect(try String(contentsOfFile: path + "/b.csv", encoding: .utf8) == text)
        try FileManager.default.createSymbolicLink(atPath: scratch.path("link"), withDestinationPath: "/etc/passwd")
        #expect(throws: InboxError.self) { try FolderCalls.move("link", from: here, to: there, as: "link") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["b.csv"])
    }
}
