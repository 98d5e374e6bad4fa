import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SyncEngine

@Suite("waiting runs")
struct WaitingRunTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func waiting(
        _ id: String = "20261121-101500-4f2a", cause: WaitingRun.Cause = .refused, _ rules: [Refusal.Rule] = [],
        digest: String = "abc"
    ) -> WaitingRun {
        var run = WaitingRun(
            id: id, cause: cause, job: "nightly", export: "a.csv", digest: digest, bytes: 100, since: Self.now)
        run.counts.deletes = cause == .refused ? 412 : 0
        run.refusals = rules.map { Refusal(rule: $0, sentence: "too many", permission: "--max-deletes 412") }
        return run
    }

    @Test("without a number exactly the plan's deletes are approved, with one as many as it says")
    func numbers() throws {
        let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes, .owners, .volume])
        #expect(try run.approval(deletes: nil, by: .command, now: Self.now).deletes == 412)
        #expect(try run.approval(deletes: 450, by: .command, now: Self.now).deletes == 450)
        #expect(throws: ApprovalRefused.tooFew(run: run.id, allowed: 411, needed: 412)) {
            try run.approval(deletes: 411, by: .command, now: Self.now)
        }
    }

    @Test("a number lifts what is about deletes and nothing else", arguments: Refusal.Rule.allCases)
    func rules(rule: Refusal.Rule) {
        let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes, rule])
        let isLifted = [.deletes, .owners, .volume, .window, .adopted].contains(rule)
        #expect(((try? run.approval(deletes: 9999, by: .http, now: Self.now)) != nil) == isLifted)
    }

    @Test("a stopped run needs no number, and gets no permission that it did not have")
    func stopped() throws {
        #expect(try waiting(cause: .stopped).approval(deletes: nil, by: .command, now: Self.now).deletes == nil)
    }

    @Test(
        "an approval holds for its run and export for 24 hours",
        arguments: [
            ("20261121-101500-4f2a", "abc", 0.0, true), ("20261121-101500-4f2a", "abc", 86_399, true),
            ("20261121-101500-4f2a", "abc", 86_400, false), ("20261121-101500-4f2a", "abc", -3600, false),
            ("20261121-101500-4f2b", "abc", 0, false), ("20261121-101500-4f2a", "abd", 0, false),
        ])
    func holds(run: String, digest: String, after: TimeInterval, holds: Bool) {
        let approval = Approval(of: waiting(run, digest: digest), deletes: 1, by: .http, given: Self.now)
        #expect(approval.holds(for: waiting(), now: Self.now + after) == holds)
    }

    @Test("an approval holds for the plan that was shown, and for no other of the same run and export")
    func plan() {
        let approval = Approval(of: waiting(), deletes: 1, by: .command, given: Self.now)
        var other = waiting()
        other.counts.deletes += 1
        #expect(!approval.holds(for: other, now: Self.now))
    }

    @Test("what waits is found by its id or the end of it, and forgotten with its approval")
    func folder() throws {
        try withLedger { folder, ledger in
            let runs = WaitingRuns(ledger)
            #expect(runs.all().isEmpty)
            #expect(throws: ApprovalRefused.notWaiting(run: "4f2a")) { try runs.find("4f2a") }
            let first = waiting("20261121-101500-4f2a", cause: .refused, [.deletes])
            let second = waiting("20261121-111500-4f2a", cause: .stopped)
            try runs.add(second)
            try runs.add(first)
            #expect(runs.all() == [first, second])
            #expect(try runs.find(first.id) == first)
            #expect(throws: ApprovalRefused.ambiguous(run: "4f2a", [first.id, second.id])) { try runs.find("4f2a") }
            // A command has no ledger: it finds the key beside the records.
            let command = WaitingRuns(stateFolder: folder.path)
            #expect(command.all() == [first, second])
            try command.add(try first.approval(deletes: nil, by: .command, now: Self.now))
            #expect(runs.approval(of: first, now: Self.now)?.deletes == 412)
            #expect(runs.approval(of: second, now: Self.now) == nil)
            try runs.remove(first)
            #expect(folder.names(in: "approvals").sorted() == ["\(second.id).waiting.json", "key"])
            #expect(try runs.find("4f2a") == second)
        }
    }

    @Test("what root writes is the user's whose state folder it is", .enabled(if: getuid() == 0))
    func writtenByRoot() throws {
        try withLedger { folder, ledger in
            try WaitingRuns(ledger).add(waiting())
            let files = FileManager.default
            try files.removeItem(atPath: folder.path("approvals"))
            try files.setAttributes([.ownerAccountID: 4711, .groupOwnerAccountID: 4711], ofItemAtPath: folder.path)
            try WaitingRuns(ledger).add(waiting())
            for name in ["", "/20261121-101500-4f2a.waiting.json"] {
                let owner = try files.attributesOfItem(atPath: folder.path("approvals") + name)[.ownerAccountID]
                #expect(owner as? Int == 4711, "approvals\(name)")
            }
        }
    }

    @Test(
        "a file that is no waiting run of ours is not there",
        arguments: ["", "{", "null", #"{"id":"20261121-101500-4f2a"}"#, String(repeating: "x", count: 2 << 20)])
    func foreignFiles(text: String) throws {
        try withLedger { folder, ledger in
            try folder.createFolder("approvals")
            _ = try folder.write(text, to: "approvals/20261121-101500-4f2a.waiting.json")
            _ = try folder.write(text, to: "approvals/20261121-101500-4f2a.approval.json")
            let runs = WaitingRuns(ledger)
            #expect(runs.all().isEmpty)
            #expect(runs.approval(of: waiting(), now: Self.now) == nil)
        }
    }

    @Test("an approval that another ledger has sealed, or a key that somebody else put there, is not believed")
    func foreignSeal() throws {
        try withLedger { folder, ledger in
            try withLedger { foreign, other in
                let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes])
                let runs = WaitingRuns(ledger)
                try runs.add(run)
                let forger = WaitingRuns(other)
                try forger.add(run)
                try forger.add(Approval(of: run, deletes: 9999, by: .command, given: Self.now))
                let files = FileManager.default
                try files.removeItem(atPath: folder.path("approvals"))
                try files.copyItem(atPath: foreign.path("approvals"), toPath: folder.path("approvals"))
                #expect(runs.all().isEmpty)
                #expect(runs.approval(of: run, now: Self.now) == nil)
            }
        }
    }

    @Test("the record of one run does not stand for that of another, nor a waiting run for an approval")
    func exchanged() throws {
        try withLedger { folder, ledger in
            let runs = WaitingRuns(ledger)
            let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes])
            try runs.add(run)
            try runs.add(try run.approval(deletes: nil, by: .command, now: Self.now))
            let text = try folder.read("approvals/\(run.id).approval.json")
            try folder.write(text, to: "approvals/20261121-101500-4f2b.approval.json")
            #expect(runs.approval(of: waiting("20261121-101500-4f2b"), now: Self.now) == nil)
            try folder.write(text, to: "approvals/\(run.id).waiting.json")
            #expect(runs.all().isEmpty)
        }
    }

    @Test("any byte of an approval that is another one, or missing, makes it none", arguments: 0..<4 as Range<UInt64>)
    func altered(seed: UInt64) throws {
        try withLedger { folder, ledger in
            var generator = SeededGenerator(seed: seed)
            let runs = WaitingRuns(ledger)
            let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes])
            try runs.add(run)
            try runs.add(try run.approval(deletes: nil, by: .command, now: Self.now))
            let path = "approvals/\(run.id).approval.json"
            let good = Array(try folder.read(path).utf8)
            for _ in 0..<50 {
                var bytes = good
                let place = Int.random(in: bytes.indices, using: &generator)
                if Bool.random(using: &generator) {
                    bytes[place] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
                } else {
                    bytes.removeSubrange(place...)
                }
                try folder.write(bytes, to: path)
                #expect(runs.approval(of: run, now: Self.now) == nil, "byte \(place)")
            }
            try folder.write(good, to: path)
            #expect(runs.approval(of: run, now: Self.now) != nil)
        }
    }

    /// What somebody else does to a file or folder of the records.
    enum Tampering: CaseIterable {
        case fileOfAnotherUser, fileOthersMayWrite, folderOthersMayWrite, folderIsLink, fileIsLink
    }

    @Test(
        "a record that others may have written is not believed, whatever its seal says", arguments: Tampering.allCases)
    func tampered(_ tampering: Tampering) throws {
        try withLedger { folder, ledger in
            let runs = WaitingRuns(ledger)
            let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes])
            try runs.add(run)
            try runs.add(try run.approval(deletes: nil, by: .command, now: Self.now))
            #expect(runs.approval(of: run, now: Self.now) != nil)
            let files = FileManager.default
            let path = folder.path("approvals/\(run.id).approval.json")
            switch tampering {
            case .fileOfAnotherUser:
                // Only root can give a file away.
                guard geteuid() == 0 else { return }
                #expect(unsafe chown(path, 12_345, 12_345) == 0)
            case .fileOthersMayWrite: try files.setAttributes([.posixPermissions: 0o660], ofItemAtPath: path)
            case .folderOthersMayWrite:
                try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path("approvals"))
            case .folderIsLink:
                try files.moveItem(atPath: folder.path("approvals"), toPath: folder.path("elsewhere"))
                try files.createSymbolicLink(
                    atPath: folder.path("approvals"), withDestinationPath: folder.path("elsewhere"))
            case .fileIsLink:
                try files.moveItem(atPath: path, toPath: folder.path("elsewhere"))
                try files.createSymbolicLink(atPath: path, withDestinationPath: folder.path("elsewhere"))
            }
            #expect(runs.approval(of: run, now: Self.now) == nil)
        }
    }

    private func withLedger(_ body: (TemporaryFolder, Ledger) throws -> Void) throws {
        let folder = try TemporaryFolder()
        let store = StoreIdentity(baseURL: "https://example.test", clientID: "id")
        let ledger = try Ledger.open(folder: folder.path, store: store, now: Self.now)
        try body(folder, ledger)
        try ledger.close()
    }
}
