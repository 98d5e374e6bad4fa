import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import SyncEngine

@Suite("waiting runs")
struct WaitingRunTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func waiting(
        _ id: String = "20261121-101500-4f2a", cause: WaitingRun.Cause = .refused, _ rules: [Refusal.Rule] = []
    ) -> WaitingRun {
        var run = WaitingRun(
            id: id, cause: cause, job: "nightly", export: "a.csv", digest: "abc", bytes: 100, since: Self.now)
        run.counts.deletes = cause == .refused ? 412 : 0
        run.refusals = rules.map { Refusal(rule: $0, sentence: "too many", permission: "--max-deletes 412") }
        return run
    }

    @Test("without a number exactly the plan's deletes are approved, with one as many as it says")
    func numbers() throws {
        let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes, .owners, .volume])
        #expect(try run.approval(deletes: nil, now: Self.now).deletes == 412)
        #expect(try run.approval(deletes: 450, now: Self.now).deletes == 450)
        #expect(throws: ApprovalRefused.tooFew(run: run.id, allowed: 411, needed: 412)) {
            try run.approval(deletes: 411, now: Self.now)
        }
    }

    @Test("a number lifts what is about deletes and nothing else", arguments: Refusal.Rule.allCases)
    func rules(rule: Refusal.Rule) {
        let run = waiting("20261121-101500-4f2a", cause: .refused, [.deletes, rule])
        let isLifted = [.deletes, .owners, .volume, .window, .adopted].contains(rule)
        #expect(((try? run.approval(deletes: 9999, now: Self.now)) != nil) == isLifted)
    }

    @Test("a stopped run needs no number, and gets no permission that it did not have")
    func stopped() throws {
        #expect(try waiting(cause: .stopped).approval(deletes: nil, now: Self.now).deletes == nil)
    }

    @Test(
        "an approval holds for its run and export for 24 hours",
        arguments: [
            ("20261121-101500-4f2a", "abc", 0.0, true), ("20261121-101500-4f2a", "abc", 86_399, true),
            ("20261121-101500-4f2a", "abc", 86_400, false), ("20261121-101500-4f2a", "abc", -3600, false),
            ("20261121-101500-4f2b", "abc", 0, false), ("20261121-101500-4f2a", "abd", 0, false),
        ])
    func holds(run: String, digest: String, after: TimeInterval, holds: Bool) {
        let approval = Approval(run: run, digest: digest, deletes: 1, given: Self.now)
        #expect(approval.holds(for: waiting(), now: Self.now + after) == holds)
    }

    @Test("what waits is found by its id or the end of it, and forgotten with its approval")
    func folder() throws {
        let folder = try TemporaryFolder()
        let runs = WaitingRuns(stateFolder: folder.path)
        #expect(runs.all().isEmpty)
        #expect(throws: ApprovalRefused.notWaiting(run: "4f2a")) { try runs.find("4f2a") }
        let first = waiting("20261121-101500-4f2a", cause: .refused, [.deletes])
        let second = waiting("20261121-111500-4f2a", cause: .stopped)
        try runs.add(second)
        try runs.add(first)
        #expect(runs.all() == [first, second])
        #expect(try runs.find(first.id) == first)
        #expect(throws: ApprovalRefused.ambiguous(run: "4f2a", [first.id, second.id])) { try runs.find("4f2a") }
        try runs.add(try first.approval(deletes: nil, now: Self.now))
        #expect(runs.approval(of: first, now: Self.now)?.deletes == 412)
        #expect(runs.approval(of: second, now: Self.now) == nil)
        try runs.remove(first)
        #expect(folder.names(in: "approvals") == ["\(second.id).waiting.json"])
        #expect(try runs.find("4f2a") == second)
    }

    @Test(
        "a file that is no waiting run of ours is not there",
        arguments: ["", "{", "null", #"{"id":"20261121-101500-4f2a"}"#, String(repeating: "x", count: 2 << 20)])
    func foreignFiles(text: String) throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("approvals"), withIntermediateDirectories: true)
        _ = try folder.write(text, to: "approvals/20261121-101500-4f2a.waiting.json")
        _ = try folder.write(text, to: "approvals/20261121-101500-4f2a.approval.json")
        let runs = WaitingRuns(stateFolder: folder.path)
        #expect(runs.all().isEmpty)
        #expect(runs.approval(of: waiting(), now: Self.now) == nil)
    }
}
