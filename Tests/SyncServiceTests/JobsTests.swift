import CallPacing
import CartAssociations
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import SyncService

@Suite("Jobs")
struct JobsTests {
    private let scratch: TemporaryFolder
    private let clock = HandTurnedClock()

    init() throws {
        scratch = try TemporaryFolder()
    }

    private func job(
        _ name: String, once: Bool = false, turn: Turn = Turn(),
        classify: @escaping @Sendable (String) -> ExportContent = { _ in .snapshot(of: [.customer]) },
        run: @escaping @Sendable (ClaimedExport, @Sendable (String) -> Void) async -> ExportFate
    ) throws -> InboxService {
        try scratch.createFolder(name)
        return InboxService(
            inbox: Inbox(folder: scratch.path + "/" + name), name: name,
            options: .init(poll: .seconds(10), settle: .zero, once: once), turn: turn, time: clock.time,
            logger: .silent, work: ScriptedWork(content: classify, fate: run))
    }

    private func serving(_ jobs: [InboxService], _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(configuration: .init(services: jobs, logger: .silent))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test("the third failure in a row makes a job wait, ever longer up to an hour, and a success ends that")
    func backoff() {
        var backoff = JobBackoff()
        var waits: [Duration?] = []
        for _ in 1...12 {
            backoff.failed(now: .seconds(100))
            waits.append(backoff.rest(now: .seconds(100)))
        }
        let minutes = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map { Duration.seconds($0 * 60) }
        #expect(waits == [nil, nil] + minutes)
        #expect(backoff.rest(now: .seconds(3700)) == nil)
        backoff.succeeded()
        #expect(backoff == JobBackoff())
    }

    @Test("runs of several jobs go one after the other, while every job is polled")
    func oneAfterTheOther() async throws {
        let running = Mutex(0)
        let turn = Turn()
        let most = Recorder<Int>()
        let jobs = try (1...4).map { number in
            try job("job-\(number)", once: true, turn: turn) { _, _ in
                most.add(
                    running.withLock {
                        $0 += 1; return $0
                    })
                for _ in 1...50 { await Task.yield() }
                running.withLock { $0 -= 1 }
                return .done(report: nil)
            }
        }
        for number in 1...4 {
            for export in 1...3 { try scratch.write("x", to: "job-\(number)/\(export).csv", modified: export) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for job in jobs { group.addTask { try await job.run() } }
            try await group.waitForAll()
        }
        #expect(Set(most.values) == [1])
        #expect(jobs.map { $0.status().tally.done } == [1, 1, 1, 1])
        #expect(jobs.map { $0.status().tally.superseded } == [2, 2, 2, 2])
    }

    @Test("a job that fails three times in a row says so and waits, and the others go on")
    func failing() async throws {
        let bad = try job("bad", classify: { _ in .delta }) { _, _ in .failed(reason: "it is empty", report: nil) }
        let good = try job("good") { _, _ in .done(report: nil) }
        try await serving([bad, good]) {
            for number in 1...5 { try scratch.write("x", to: "bad/\(number).csv", modified: number) }
            for _ in 1...11 { await clock.advanceSleepers(.seconds(1)) }
            try await wait { bad.status().tally.failed >= 3 }
            try scratch.write("x", to: "good/a.csv")
            for _ in 1...11 { await clock.advanceSleepers(.seconds(1)) }
            try await wait { good.status().tally.done >= 1 }
            #expect(scratch.names(in: "bad/failed").filter { $0.hasSuffix(".csv") } == ["1.csv", "2.csv", "3.csv"])
            let health = ServiceHealth([bad, good].map { $0.jobStatus() })
            #expect(health.isAlive)
            #expect(health.reasons.count == 1)
            #expect(health.reasons.first?.hasPrefix("job bad: the last 3 runs failed; the next one begins in") == true)
            #expect([bad, good].map { $0.jobStatus().pause == nil } == [false, true])

            // When its time has come, it goes on.
            while bad.status().tally.failed < 4 { await clock.advanceSleepers(.seconds(10)) }
            #expect(clock.now >= JobBackoff.waits.first)
        }
    }

    @Test("a run that waits for approval blocks its job alone, until it is released")
    func blocks() async throws {
        let order = Recorder<String>()
        let first = try job("first", classify: { _ in .delta }) { export, _ in
            order.add(export.name)
            return export.name == "held.csv" && !export.isResumed
                ? .waiting(reason: "too many deletes", report: nil) : .done(report: nil)
        }
        let second = try job("second") { _, _ in .done(report: nil) }
        try await serving([first, second]) {
            try scratch.write("x", to: "first/held.csv", modified: 1)
            try scratch.write("x", to: "first/later.csv", modified: 2)
            while first.status().tally.waiting < 1 { await clock.advanceSleepers(.seconds(1)) }
            try scratch.write("x", to: "second/a.csv")
            while second.status().tally.done < 1 { await clock.advanceSleepers(.seconds(1)) }
            #expect(order.values == ["held.csv"])
            #expect(first.status().awaiting == ["held.csv"])
            // The clock is turned faster than the service polls; waiting for a person is no trouble of the service.
            #expect(first.health().reasons.allSatisfy { $0.hasPrefix("no poll") })

            try first.inbox.release("held.csv")
            while first.status().tally.done < 2 { await clock.advanceSleepers(.seconds(1)) }
            #expect(order.values == ["held.csv", "held.csv", "later.csv"])
        }
    }

    @Test("a newer snapshot takes the place of one that waits for approval; one of another kind waits behind it")
    func newerSnapshot() async throws {
        let held = try job(
            "job", once: true, classify: { .snapshot(of: $0.contains("customers") ? [.customer] : [.account]) }
        ) { export, _ in
            export.name == "customers-1.csv"
                ? .waiting(reason: "too many deletes", report: scratch.path) : .done(report: nil)
        }
        try scratch.write("x", to: "job/customers-1.csv", modified: 1)
        try await held.run()
        #expect(scratch.names(in: "job/waiting") == ["customers-1.csv", "customers-1.csv.report"])

        try scratch.write("x", to: "job/accounts.csv", modified: 2)
        try await held.run()
        #expect(scratch.names(in: "job").contains("accounts.csv"))

        try scratch.write("x", to: "job/customers-2.csv", modified: 3)
        try await held.run()
        #expect(scratch.names(in: "job/waiting").isEmpty)
        #expect(scratch.names(in: "job/superseded") == ["customers-1.csv", "customers-1.csv.report"])
        #expect(scratch.names(in: "job/done") == ["accounts.csv", "customers-2.csv"])
        #expect(held.status().awaiting.isEmpty)
    }

    @Test("the run of the current export is known as soon as it has begun, and when the next look is due")
    func status() async throws {
        let statuses = Recorder<JobStatus>()
        let box = Mutex<InboxService?>(nil)
        let service = try job("job", once: true) { _, began in
            began("20261121-101500-4f2a")
            if let status = box.withLock({ $0?.jobStatus() }) { statuses.add(status) }
            return .done(report: nil)
        }
        box.withLock { $0 = service }
        try scratch.write("x", to: "job/a.csv")
        try await service.run()
        #expect(statuses.values.map(\.inbox.current) == ["a.csv"])
        #expect(statuses.values.map(\.inbox.run) == ["20261121-101500-4f2a"])
        #expect(statuses.values.map(\.nextPoll) == [.seconds(10)])
        #expect(service.jobStatus().inbox.run == nil)
        #expect(service.jobStatus().source == "folder \(scratch.path)/job")
    }
}
