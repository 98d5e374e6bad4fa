import CartAssociations
import Foundation
import SyncReporting
import TestSupport

/// A run that never touched a network: what its report is made from, simulated call by call.
struct SampleRun {
    static let wallClock = Date(timeIntervalSince1970: 1_795_000_000)
    let started = ContinuousClock.now
    let recorder: LatencyRecorder
    var outcomes = RunOutcomes()
    var failures = [RunReport.FailureGroup(reason: "The cart does not exist")]
    private var random: SeededGenerator
    private var now: Duration = .zero

    init(seed: UInt64 = 1) {
        random = SeededGenerator(seed: seed)
        recorder = LatencyRecorder(started: started, wallClock: Self.wallClock)
    }

    var seconds: Double { Double(now.components.seconds) + Double(now.components.attoseconds) * 1e-18 }

    /// Makes calls one after the other at a rate, with some repeated and some refused.
    mutating func call(_ operation: CartAssociations.Operation, times: Int, rate: Double, median: Double = 0.040) {
        for number in 0..<times {
            now += .seconds(1 / rate)
            var latency = sample(median)
            if number % 397 == 396 { latency *= 20 }
            let isLimited = number % 211 == 210
            let isRefused = number % 499 == 498
            if isLimited {
                record(.attempt(.init(operation: operation, answer: .rateLimited, status: 429, service: latency / 4)))
                record(.retry(operation, after: .seconds(2)))
                record(.rate(0, reason: "429 with Retry-After 2 s"))
                now += .seconds(2)
                record(.rate(rate / 2, reason: "halved after 429"))
            } else if number % 211 == 50 {
                record(.rate(rate, reason: "ten clean seconds"))
            }
            let answer: AnswerClass = isRefused ? .refused : .success
            record(
                .attempt(.init(operation: operation, answer: answer, status: isRefused ? 422 : 200, service: latency)))
            record(
                .finished(
                    CallMeasure(
                        operation: operation, answer: answer, response: latency + .seconds(isLimited ? 2 : 0.001),
                        paced: .seconds(0.001), backoff: .seconds(isLimited ? 2 : 0),
                        attempts: isLimited ? 2 : 1)))
            note(operation, number, refused: isRefused)
        }
    }

    private mutating func note(_ operation: CartAssociations.Operation, _ number: Int, refused: Bool) {
        switch (operation, refused) {
        case (.create, false): outcomes.count(.create, number % 41 == 0 ? .alreadyThere : .created)
        case (.delete, false): outcomes.count(.delete, number % 97 == 0 ? .alreadyGone : .deleted)
        case (.create, true), (.delete, true):
            let kind: ChangeKind = operation == .create ? .create : .delete
            outcomes.count(kind, .rejected)
            failures[0].add(
                .init(
                    kind: kind, cart: "cart-\(number)", export: "customers.csv", line: number + 2, status: 422,
                    message: "Cart <b>not</b> found & gone"))
        default: break
        }
    }

    private mutating func sample(_ median: Double) -> Duration {
        // The sum of four uniform numbers is near enough to normal for a latency that is to look real.
        let normal = (0..<4).reduce(0.0) { sum, _ in sum + Double.random(in: -1...1, using: &random) }
        return .seconds(median * exp(normal * 0.35))
    }

    private func record(_ event: CallEvent) { recorder.record(event, now: started + now) }

    func report(exitStatus: ExitStatus = .done, words: String = "All changes were made.") -> RunReport {
        var rejected = RunReport.RejectedRecords(file: "rejects.csv")
        rejected.add(.init(export: "customers.csv", line: 17, reason: "no cart"))
        rejected.add(.init(export: "accounts.xml", line: 90, reason: "characters that a cart id may not have: ü"))
        var counts = PlanCounts()
        (counts.creates, counts.deletes) = (outcomes.create.total, outcomes.delete.total)
        (counts.kept, counts.unmanaged) = (18_004, 412)
        var report = RunReport(
            run: "20261121-101500-7f3a", command: "sync", store: "euwest.api.elasticpath.com", source: "nightly",
            verdict: .init(
                words: words, exitStatus: exitStatus, next: exitStatus == .done ? nil : "cartsync import rejects.csv"),
            started: Self.wallClock,
            plan: .init(counts, current: .api, reason: "the listing is complete: 4,812 carts on 49 pages"),
            measured: .init(
                recorder.snapshot(), rateLimit: 20, ended: Self.wallClock.addingTimeInterval(seconds)))
        report.exports = [
            .init(
                path: "customers.csv", format: "CSV", records: 24_120, accepted: 24_116, duplicates: 3,
                rejected: ["no cart": 1], sha256: String(repeating: "5e", count: 32)),
            .init(
                path: "accounts.xml", format: "XML, gzip", records: 812, accepted: 811, duplicates: 0,
                rejected: ["bad characters": 1], sha256: String(repeating: "a1", count: 32)),
        ]
        report.outcomes = outcomes
        report.failures = outcomes.unsuccessful > 0 ? failures : []
        report.rejected = rejected
        report.settings = [
            .init(name: "rate.limit", value: "20", origin: "default"),
            .init(name: "api.base-url", value: "https://euwest.api.elasticpath.com", origin: "flag"),
        ]
        return report
    }

    /// Ten minutes of everything.
    static func tenMinutes(seed: UInt64 = 1) -> SampleRun {
        var run = SampleRun(seed: seed)
        run.call(.token, times: 1, rate: 1, median: 0.12)
        run.call(.list, times: 49, rate: 20, median: 0.2)
        run.call(.create, times: 9_000, rate: 20)
        run.call(.delete, times: 1_500, rate: 20, median: 0.03)
        return run
    }
}

extension PlanView {
    /// A plan with a bit of everything.
    static func sample() throws -> PlanView {
        func change(_ kind: ChangeKind, _ owner: String, _ cart: String, line: Int?, export: Int = 0) throws -> Change {
            guard let owner = OwnerID(owner), let cart = CartID(cart) else { throw SampleIsWrong() }
            return Change(
                kind, Association(export == 0 ? .customer : .account, owner, cart),
                place: line.map { RecordPlace(export: export, record: $0 - 1, line: $0) })
        }
        var counts = PlanCounts()
        counts.creates = 1_204
        counts.deletes = 2
        counts.kept = 18_004
        counts.duplicates = 3
        counts.rejected = 2
        counts.unmanaged = 412
        counts.protected = 7
        var plan = PlanView(
            store: "euwest.api.elasticpath.com", source: "nightly", scope: .owned,
            exports: SampleRun().report().exports, counts: counts, current: .api,
            currentReason: "the listing is complete: 4,812 carts on 49 pages",
            estimate: .init(calls: 1_206, rate: 20))
        plan.creates = [
            try change(.create, "5c2f3d1e-7a40-4c58-9a0f-0d8c5f7f2b11", "summer-basket", line: 2),
            try change(.create, "0aa1", "cart-77", line: 5),
            try change(.create, "b2b-团队", "shared_cart", line: 31, export: 1),
        ]
        plan.deletes = [
            try change(.delete, "5c2f3d1e-7a40-4c58-9a0f-0d8c5f7f2b11", "winter-basket", line: nil),
            try change(.delete, "0aa2", "cart-77", line: nil),
        ]
        plan.guardVerdict = "within limits: 2 deletes of 18,006 associations in scope"
        return plan
    }
}

struct SampleIsWrong: Error {}
