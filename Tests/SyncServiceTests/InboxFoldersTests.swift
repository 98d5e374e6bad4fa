import Dispatch
import DurableFiles
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SyncService

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("An inbox whose folders are exchanged")
struct InboxFoldersTests {
    private let scratch: TemporaryFolder
    private let inbox: Inbox

    init() throws {
        scratch = try TemporaryFolder()
        try scratch.createFolder("inbox")
        // What somebody would like the service to move files into, or to take files from.
        try scratch.createFolder("prey")
        inbox = Inbox(folder: scratch.path("inbox"))
        try inbox.heal()
    }

    private func mode(_ name: String) throws -> UInt16 {
        try #require(try FileSystem.status(scratch.path(name))).permissions
    }

    private func seen(_ name: String) throws -> InboxEntry {
        try #require(try inbox.list().entries.first { $0.name == name })
    }

    /// Puts a link to the prey in the place of a folder, which gets another name.
    private func exchange(_ place: InboxName.Folder) throws {
        try FileSystem.rename(inbox.path(place), to: scratch.path("inbox/.away"))
        try FileManager.default.createSymbolicLink(
            atPath: inbox.path(place), withDestinationPath: scratch.path("prey"))
    }

    @Test(
        "a link in the place of any folder stops every operation with a sentence, and nothing is moved",
        arguments: InboxName.Folder.allCases)
    func links(place: InboxName.Folder) throws {
        for name in ["a.csv", "b.csv"] { try scratch.write("x", to: "inbox/\(name)") }
        let claimed = try #require(try inbox.claim(try seen("b.csv")))
        let entry = try seen("a.csv")
        try scratch.write("x", to: "prey/c.csv")
        try exchange(place)
        let before = try FileManager.default.subpathsOfDirectory(atPath: scratch.path).sorted()
        let operations: [() throws -> Void] = [
            { _ = try self.inbox.heal() }, { _ = try self.inbox.claim(entry) },
            { _ = try self.inbox.unfinished() }, { _ = try self.inbox.waiting() },
            { _ = try self.inbox.release("c.csv") }, { try self.inbox.finish(claimed, to: .done) },
            { try self.inbox.finish(claimed, to: .failed, reason: "it is broken") },
            { _ = try self.inbox.supersede([entry]) }, { try self.inbox.supersede(waiting: [entry]) },
            { _ = try self.inbox.open(entry, in: place, spoolFolder: "") },
        ]
        for operation in operations {
            let error = #expect(throws: InboxError.self) { try operation() }
            #expect(error?.isTurned == true)
            #expect(
                error?.description
                    == "\(inbox.path(place)): is a symbolic link, and nothing is moved through it; take it "
                    + "away, see who may write the inbox, and the job goes on")
        }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: scratch.path).sorted() == before)
    }

    @Test("a file or a pipe in the place of a folder is refused as a link is")
    func otherKinds() throws {
        try FileManager.default.removeItem(atPath: inbox.path(.failed))
        try scratch.write("x", to: "inbox/failed")
        #expect(throws: InboxError.self) { try inbox.heal() }
        try FileManager.default.removeItem(atPath: inbox.path(.failed))
        let made = unsafe mkfifo(inbox.path(.failed), 0o600)
        #expect(made == 0)
        let error = #expect(throws: InboxError.self) { try inbox.heal() }
        #expect(error?.problem.hasPrefix("is a special file") == true)
    }

    @Test(
        "a folder that is exchanged between the check and the move has no effect: the move is in the folder that was checked"
    )
    func exchangedInBetween() throws {
        try scratch.write("x", to: "inbox/a.csv")
        try scratch.write("{}", to: "prey/a.csv.manifest.json")
        let folders = try InboxFolders(inbox.folder)
        try exchange(.working)
        try FolderCalls.move("a.csv", from: folders.inbox, to: folders[.working], as: "a.csv")
        try FolderCalls.write("reason", to: "reason.txt", in: folders[.working])
        #expect(scratch.names(in: "inbox/.away") == ["a.csv", "reason.txt"])
        #expect(scratch.names(in: "prey") == ["a.csv.manifest.json"])
        // What is read from it is that of the folder too.
        #expect(folders[.working].exists("a.csv") && !folders[.working].exists("a.csv.manifest.json"))
        try FolderCalls.remove("a.csv.manifest.json", in: folders[.working])
        #expect(scratch.names(in: "prey") == ["a.csv.manifest.json"])
    }

    @Test(
        "while folders are exchanged for links all the time, every export stays in the inbox or its own folders",
        arguments: 1...4 as ClosedRange<UInt64>)
    func race(seed: UInt64) throws {
        let names = (0..<60).map { "e\($0).csv" }
        for name in names { try scratch.write(name, to: "inbox/\(name)") }
        let isOver = Mutex(false)
        let turns = Mutex(0)
        let (inbox, scratch) = (inbox, scratch)
        let (begun, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        // A thread of its own: the tasks of all tests share two.
        Thread.detachNewThread {
            var generator = SeededGenerator(seed: seed)
            while !isOver.withLock({ $0 }) {
                let place = InboxName.Folder.allCases[Int.random(in: 0..<5, using: &generator)]
                let (own, away) = (inbox.path(place), scratch.path("inbox/.away"))
                let moved = unsafe rename(own, away)
                let linked = unsafe symlink(scratch.path("prey"), own)
                for _ in 0..<Int.random(in: 0..<200, using: &generator) {}
                if linked == 0 { _ = unsafe unlink(own) }
                // The service may have made the folder anew: both are its own, and what is in one of them is not lost.
                if moved == 0, unsafe rename(away, own) != 0 {
                    _ = unsafe rename(away, away + "-\(turns.withLock(\.self))")
                }
                turns.withLock { $0 += 1 }
                begun.signal()
            }
            ended.signal()
        }
        begun.wait()
        var (moves, stops) = (0, 0)
        for round in 0..<400 {
            let name = names[round % names.count]
            do throws(InboxError) {
                _ = try inbox.heal()
                guard let entry = try inbox.list().entries.first(where: { $0.name == name }) else { continue }
                guard let export = try inbox.claim(entry) else { continue }
                try inbox.finish(export, to: round % 2 == 0 ? .done : .failed, reason: round % 2 == 0 ? nil : "why")
                moves += 1
            } catch {
                stops += 1
            }
        }
        isOver.withLock { $0 = true }
        ended.wait()
        #expect(turns.withLock { $0 } > 0)
        #expect(moves + stops > 0)
        #expect(scratch.names(in: "prey").isEmpty, "\(moves) moves, \(stops) stops")
        let found = try FileManager.default.subpathsOfDirectory(atPath: scratch.path("inbox"))
            .map { FileSystem.name(of: $0) }.filter { $0.hasSuffix(".csv") }
        #expect(found.sorted() == names.sorted(), "each export is there once")
    }

    @Test("folders are made for the service alone, or for the group of an inbox to look at")
    func modes() throws {
        for (inboxMode, others) in [(0o700, 0o700), (0o3770, 0o750), (0o2730, 0o700)] as [(UInt16, UInt16)] {
            try FileSystem.remove(inbox.folder)
            try scratch.createFolder("inbox")
            try FileSystem.setPermissions(inbox.folder, inboxMode)
            try inbox.heal()
            for place in InboxName.Folder.allCases {
                #expect(try mode("inbox/\(place.rawValue)") == (place == .working ? 0o700 : others))
            }
        }
    }

    @Test("a folder of the service's own that others may write is closed to them, which is told once")
    func tightens() throws {
        try FileSystem.setPermissions(inbox.path(.waiting), 0o777)
        try FileSystem.setPermissions(inbox.path(.done), 0o775)
        let healed = try inbox.heal()
        #expect(Set(healed.tightened) == ["waiting", "done"])
        #expect(try mode("inbox/waiting") == 0o755 && mode("inbox/done") == 0o755)
        #expect(try inbox.heal().tightened.isEmpty)
    }

    @Test("a folder of another user is refused", .enabled(if: geteuid() == 0, "needs root, to give a folder away"))
    func anotherUser() throws {
        try FileSystem.setOwner(inbox.path(.working), 54321)
        let error = #expect(throws: InboxError.self) { try inbox.unfinished() }
        #expect(error?.isTurned == true)
        #expect(error?.problem.hasPrefix("belongs to another user, number 54321") == true)
        try FileSystem.setOwner(inbox.path(.working), 0)
        #expect(try inbox.unfinished().isEmpty)
    }

    @Test(
        "triggers and markers that are links say nothing of an export, and a list of checksums that is one is passed over"
    )
    func companions() throws {
        for name in ["a.csv", "b.csv"] { try scratch.write("x", to: "inbox/\(name)", modified: 1000) }
        try scratch.write("{}", to: "elsewhere", modified: 2000)
        for name in ["a.csv.done", "b.csv.ok", "SHA256SUMS"] {
            try FileManager.default.createSymbolicLink(
                atPath: scratch.path("inbox/\(name)"), withDestinationPath: scratch.path("elsewhere"))
        }
        var rules = NameRules()
        rules.triggers = [".ok"]
        var watch = InboxWatch(settle: .seconds(5), rules: rules)
        let view = watch.look(try inbox.list().entries, now: .zero)
        #expect(view.ready.isEmpty)
        for name in ["a.csv.done", "b.csv.ok", "SHA256SUMS"] { #expect(view.refused[name] == .notAFile(.link)) }
        #expect(try inbox.claim(try seen("a.csv")) != nil)
        #expect(!scratch.names(in: "inbox/working").contains("a.csv.sha256"))
    }

    @Test("who may do too much with an inbox is named, with the command that mends it")
    func problems() throws {
        let folder = inbox.folder
        func problems(_ mode: UInt16) throws -> [String] {
            try FileSystem.setPermissions(folder, mode)
            return InboxAccess.problems(of: folder)
        }
        #expect(try problems(0o700).isEmpty && problems(0o3770).isEmpty && problems(0o755).isEmpty)
        #expect(try problems(0o2770).map { $0.contains("run 'chmod +t") } == [true])
        #expect(try problems(0o1777).map { $0.contains("run 'chmod o-w") } == [true])
        #expect(try problems(0o777).count == 2)
        #expect(InboxAccess.problems(of: folder + "-missing").isEmpty)
        if geteuid() == 0 {
            try FileSystem.setOwner(folder, 54321)
            #expect(try problems(0o700).map { $0.contains("chown 0 ") } == [true])
        }
    }
}
