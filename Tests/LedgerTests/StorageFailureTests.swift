import CartAssociations
import Foundation
import Ledger
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Each runs in a process of its own: limits and users are those of a process.
@Suite("Storage that fails")
struct StorageFailureTests {
    @Test("a full disk is named as the cause, and what was recorded stays")
    func diskFull() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let ledger = try Ledger.open(in: folder, run: makeRun("r"))
            try ledger.assert([association("c", "kept")], by: "a", run: "r")
            try ledger.updateRun("r") { $0.state = .applying }
            // As on a full disk: no file may grow beyond a megabyte.
            signal(SIGXFSZ, SIG_IGN)
            try limitFiles(to: 1 << 20)
            let error = try #require(throws: LedgerError.self) {
                for batch in 0..<100 {
                    let many = try (0..<500).map { try association("owner-\(batch)-\($0)", "cart-\(batch)-\($0)") }
                    try ledger.assert(many, by: "a", run: "r")
                }
            }
            #expect(error.kind == .storage)
            #expect(error.description.contains(folder.state) && error.description.contains("free space"))
            #expect(try ledger.association(association("c", "kept")) != nil)
            try limitFiles(to: Int(Int32.max))
            try ledger.assert([association("c", "later")], by: "a", run: "r")
            try ledger.close()
            let again = try Ledger.open(in: folder)
            #expect(try again.check().isEmpty)
            #expect(try again.association(association("c", "kept")) != nil)
            #expect(try again.association(association("c", "later")) != nil)
            // Whole batches or nothing of them.
            #expect(try again.allAssociations().count % 500 == 2)
            exit(EXIT_SUCCESS)
        }
    }

    @Test("a plan too large for the disk is refused and leaves no temporary file")
    func spillFull() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let ledger = try Ledger.open(in: folder, run: makeRun("r"))
            signal(SIGXFSZ, SIG_IGN)
            try limitFiles(to: 1 << 20)
            let padding = String(repeating: "x", count: 240)
            let draft = ledger.draftPlan(for: "r")
            let error = try #require(throws: LedgerError.self) {
                for number in 0..<200_000 {
                    try draft.add(
                        Change(.create, association("\(padding)\(number)", "cart-\(number)")),
                        Fingerprint(high: UInt64(number), low: 0))
                }
            }
            #expect(error.kind == .storage && error.description.contains("temporary file"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.state).allSatisfy { !$0.hasPrefix(".") })
            exit(EXIT_SUCCESS)
        }
    }

    @Test("a folder that may not be written is named as the cause")
    func readOnly() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            try Ledger.open(in: folder).close()
            let inside = folder.path + "/new/state"
            for path in [folder.path, folder.state] {
                try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: path)
            }
            for path in [folder.database, folder.marker, folder.state + "/ledger.lock"] {
                try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
            }
            // Root may write everywhere, so it becomes nobody.
            if getuid() == 0 { #expect(setuid(65_534) == 0) }
            for path in [folder.state, inside] {
                let error = try #require(throws: LedgerError.self) {
                    try Ledger.open(folder: path, store: testStore, now: noon)
                }
                #expect(error.kind == .storage, "\(error)")
                #expect(error.description.contains(folder.path) && error.description.contains("ermission"), "\(error)")
            }
            exit(EXIT_SUCCESS)
        }
    }

    @Test("a process that is killed at any moment loses nothing that was recorded", arguments: 0..<8 as Range<Int>)
    func killed(round: Int) async throws {
        let folder = try TemporaryFolder()
        let state = folder.state
        let changes = 400
        try prepare(folder, changes: changes)
        // Killed once a different number of outcomes is recorded, while others are being recorded.
        let last = 20 + round * 37
        await #expect(processExitsWith: .signal(SIGKILL)) { [state = state as String, last = last as Int] in
            try recordUntilKilled(state, after: last)
        }
        let ledger = try Ledger.open(in: folder)
        #expect(try ledger.check().isEmpty)
        let recorded = try String(contentsOfFile: state + "/recorded", encoding: .utf8).split(separator: "\n")
        #expect(recorded.count >= last)
        let done = try Set(ledger.allEntries(of: "r").filter { $0.outcome != nil }.map { String($0.id) })
        #expect(Set(recorded.map(String.init)).isSubset(of: done))
        let pending = try ledger.pendingCarts(of: "r", limit: changes).flatMap(\.entries)
        #expect(pending.count + done.count == changes)
        for entry in try ledger.allEntries(of: "r") {
            let confirmation = try ledger.association(entry.change.association)?.confirmation
            #expect((confirmation == .created) == (entry.outcome != nil), "\(entry)")
        }
    }

    private func prepare(_ folder: TemporaryFolder, changes: Int) throws {
        let ledger = try Ledger.open(in: folder, run: makeRun("r"))
        try ledger.plan((0..<changes).map { Change(.create, try association("c", "cart-\($0)")) }, for: "r")
        try ledger.updateRun("r") { $0.state = .applying }
        try ledger.close()
    }

    @Test("another process that holds the folder is named")
    func otherProcess() async throws {
        let folder = try TemporaryFolder()
        let ledger = try Ledger.open(in: folder)
        let state = folder.state
        let holder = getpid()
        await #expect(processExitsWith: .success) { [state = state as String, holder = holder as Int32] in
            let error = try #require(throws: LedgerError.self) {
                try Ledger.open(folder: state, store: testStore, now: noon)
            }
            #expect(error.kind == .locked)
            #expect(error.description.contains("process \(holder)"))
            exit(EXIT_SUCCESS)
        }
        try ledger.close()
    }
}

/// A number that two threads share.
private final class Count: Sendable {
    let value = Atomic(0)
}

/// Records outcomes one by one, writing down each that is recorded, until another thread kills the process in the
/// middle of it once there are `count`.
private func recordUntilKilled(_ state: String, after count: Int) throws {
    let ledger = try Ledger.open(folder: state, store: testStore, now: noon)
    let entries = try ledger.allEntries(of: "r")
    try #require(FileManager.default.createFile(atPath: state + "/recorded", contents: nil))
    let reports = try #require(FileHandle(forWritingAtPath: state + "/recorded"))
    let recorded = Count()
    Thread.detachNewThread {
        while recorded.value.load(ordering: .relaxed) < count {}
        kill(getpid(), SIGKILL)
    }
    for entry in entries {
        try ledger.record([entry.ended(ChangeOutcome(.created, attempts: 1), at: noon)])
        reports.write(Data("\(entry.id)\n".utf8))
        recorded.value.add(1, ordering: .relaxed)
    }
}

/// Sets the size that no file of this process may exceed, in bytes.
private func limitFiles(to bytes: Int) throws {
    var limit = rlimit()
    try #require(unsafe getrlimit(fileSizeLimit, &limit) == 0)
    limit.rlim_cur = rlim_t(bytes)
    try #require(unsafe setrlimit(fileSizeLimit, &limit) == 0)
}

#if canImport(Glibc)
    private let fileSizeLimit = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
#else
    private let fileSizeLimit = RLIMIT_FSIZE
#endif
