import CartAssociations
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import TestStore
import TestSupport
import Testing

@testable import SyncService

@Suite("An inbox that is served")
struct InboxServiceTests {
    private let scratch: TemporaryFolder
    private let clock = HandTurnedClock()

    init() throws {
        scratch = try TemporaryFolder()
    }

    private func service(
        once: Bool = true, settle: Duration = .zero,
        classify: @escaping @Sendable (String) -> ExportContent = { _ in .delta }, logger: Logger = .silent,
        run: @escaping @Sendable (ClaimedExport) async -> ExportFate
    ) -> InboxService {
        InboxService(
            inbox: Inbox(folder: scratch.path),
            options: .init(poll: .seconds(10), settle: settle, once: once),
            time: clock.time, logger: logger, work: ScriptedWork(content: classify) { export, _ in await run(export) })
    }

    /// Runs the service in a group until the body returns, then shuts it down gracefully.
    private func serving(_ service: InboxService, _ body: (ServiceGroup) async throws -> Void) async throws {
        let group = ServiceGroup(configuration: .init(services: [service], logger: .silent))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(group)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test("what was half made when the last process ended is gone, wherever its export goes")
    func halfMade() async throws {
        try scratch.createFolder("working")
        try scratch.write("a", to: "working/a.csv")
        try scratch.createFolder("waiting/\(FolderCalls.unfinished("a.csv.report"))")
        try await service { _ in .done(report: nil) }.run()
        #expect(scratch.names(in: "waiting").isEmpty)
        #expect(scratch.names(in: "done") == ["a.csv"])
    }

    @Test("exports are synced one after the other, the oldest first, and go where their verdict says")
    func verdicts() async throws {
        for (position, name) in ["done.csv", "failed.csv", "later.csv", "last.csv", "waiting.csv"].enumerated() {
            try scratch.write(name, to: name, modified: 1000 + position)
        }
        try scratch.createFolder("report")
        try scratch.write("{}", to: "report/report.json")
        let report = scratch.path + "/report"
        let order = Recorder<String>()
        let service = service { export in
            order.add(export.name)
            return switch export.name {
            case "failed.csv": .failed(reason: "it is empty", report: nil)
            case "waiting.csv": .waiting(reason: "too many deletes", report: report)
            case "later.csv": .interrupted(reason: "the API is unavailable")
            default: .done(report: report)
            }
        }
        try await service.run()
        #expect(order.values == ["done.csv", "failed.csv", "later.csv", "last.csv", "waiting.csv"])
        #expect(scratch.names(in: "done") == ["done.csv", "done.csv.report", "last.csv", "last.csv.report"])
        #expect(scratch.names(in: "failed") == ["failed.csv", "failed.csv.report"])
        #expect(try scratch.read("failed/failed.csv.report/reason.txt") == "it is empty\n")
        #expect(scratch.names(in: "waiting/waiting.csv.report") == ["reason.txt", "report.json"])
        #expect(scratch.names(in: "working") == ["later.csv"])
        var tally = InboxStatus.Tally()
        (tally.done, tally.failed, tally.waiting, tally.interrupted) = (2, 1, 1, 1)
        #expect(service.status().tally == tally)
        #expect(service.status().interruptions == ["later.csv": "the API is unavailable"])
        #expect(service.health().reasons.isEmpty, "it can do its work")
        #expect(
            service.health().attention == [
                "1 export in failed/: failed.csv", "1 export in waiting/: waiting.csv",
                "later.csv is tried again: the API is unavailable",
            ])
        #expect(service.status().failed.newest.map(\.reason) == ["it is empty"])
        #expect(service.status().waiting.newest.map(\.reason) == ["too many deletes"])
    }

    @Test("what an earlier service left in working/ is synced first")
    func resumes() async throws {
        try scratch.createFolder("working")
        try scratch.write("x", to: "working/left.csv", modified: 9000)
        try scratch.write("x", to: "new.csv", modified: 1000)
        let seen = Recorder<ClaimedExport>()
        try await service { export in
            seen.add(export)
            return .done(report: nil)
        }.run()
        #expect(seen.values.map(\.name) == ["left.csv", "new.csv"])
        #expect(seen.values.map(\.isResumed) == [true, false])
        #expect(scratch.names(in: "done") == ["left.csv", "new.csv"])
    }

    @Test("of several snapshots of a kind only the newest is synced")
    func supersedes() async throws {
        for (position, name) in ["c-1.csv", "a-1.csv", "c-2.csv", "d-1.csv", "c-3.csv"].enumerated() {
            try scratch.write(name, to: name, modified: 1000 + position)
        }
        let order = Recorder<String>()
        let asked = Recorder<String>()
        let service = service(
            classify: { name in
                asked.add(name)
                return name.hasPrefix("d") ? .delta : .snapshot(of: name.hasPrefix("c") ? [.customer] : [.account])
            },
            run: { export in
                order.add(export.name)
                return .done(report: nil)
            })
        try await service.run()
        #expect(order.values == ["a-1.csv", "d-1.csv", "c-3.csv"])
        #expect(scratch.names(in: "superseded") == ["c-1.csv", "c-2.csv"])
        #expect(service.status().tally.superseded == 2)
        #expect(asked.values.count == 5, "each is read once for it: \(asked.values)")
    }

    @Test("once waits for the files that have to settle, one time")
    func onceSettles() async throws {
        try scratch.write("x", to: "a.csv")
        let service = service(settle: .seconds(5)) { _ in .done(report: nil) }
        async let ended: Void = service.run()
        await clock.advanceSleepers(.seconds(5))
        try await ended
        #expect(scratch.names(in: "done") == ["a.csv"])
    }

    @Test("once without an inbox that can be read is an error")
    func onceMissing() async throws {
        try FileManager.default.removeItem(atPath: scratch.path)
        await #expect(throws: InboxError.self) { try await service { _ in .done(report: nil) }.run() }
    }

    @Test("it polls, takes what has settled, goes on after a failed run, and stops gracefully")
    func polls() async throws {
        let service = service(once: false, settle: .seconds(5)) { export in
            export.name == "bad.csv" ? .failed(reason: "bad", report: nil) : .done(report: nil)
        }
        try await serving(service) { _ in
            await clock.advanceSleepers(.zero)
            try scratch.write("x", to: "bad.csv")
            await clock.advanceSleepers(.seconds(10))
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().tally.failed != 0 }
            try scratch.write("x", to: "good.csv")
            await clock.advanceSleepers(.seconds(10))
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().tally.done != 0 }
            #expect(
                service.health()
                    == ServiceHealth(
                        isAlive: true, sinceLastPoll: .zero, reasons: [], attention: ["1 export in failed/: bad.csv"]))
        }
        #expect(scratch.names(in: "done") == ["good.csv"])
        #expect(scratch.names(in: "failed") == ["bad.csv", "bad.csv.report"])
    }

    @Test("it goes on polling while an export is synced, and graceful shutdown waits for that run alone")
    func drains() async throws {
        try scratch.write("x", to: "long.csv", modified: 1000)
        try scratch.write("x", to: "next.csv", modified: 2000)
        let service = service(once: false) { _ in
            // A run that ends by its own drain when it is asked to.
            try? await gracefulShutdown()
            return .interrupted(reason: "stopped by a signal")
        }
        try await serving(service) { _ in
            try await wait { service.status().current != nil }
            let first = service.status().lastPoll
            for _ in 1...3 { await clock.advanceSleepers(.seconds(10)) }
            try await wait { service.status().lastPoll != first }
            #expect(service.status().current == "long.csv")
            #expect(service.health().isAlive)
        }
        #expect(scratch.names(in: "working") == ["long.csv"])
        #expect(scratch.names().contains("next.csv"))
        #expect(service.status().tally.interrupted == 1)
    }

    @Test("an interrupted export is synced again after a pause, before others")
    func triesAgain() async throws {
        try scratch.write("x", to: "a.csv")
        let attempts = Recorder<Bool>()
        let service = service(once: false) { export in
            attempts.add(export.isResumed)
            return attempts.values.count < 3 ? .interrupted(reason: "no API") : .done(report: nil)
        }
        try await serving(service) { _ in
            while service.status().tally.done == 0 {
                try await wait { service.status().current == nil }
                await clock.advanceSleepers(.seconds(10))
            }
        }
        #expect(attempts.values == [false, true, true])
        #expect(service.status().interruptions.isEmpty)
        #expect(scratch.names(in: "done") == ["a.csv"])
    }

    @Test("an interrupted export that somebody takes away is no longer told of")
    func takenAway() async throws {
        try scratch.write("x", to: "a.csv")
        let service = service(once: false) { _ in .interrupted(reason: "the API is unavailable") }
        try await serving(service) { _ in
            #expect(
                await eventually { service.status().interruptions["a.csv"] != nil && service.status().current == nil })
            try FileManager.default.removeItem(atPath: scratch.path("working/a.csv"))
            #expect(
                await eventually {
                    await clock.advanceSleepers(.seconds(10))
                    return service.health().attention.isEmpty
                })
        }
    }

    @Test("an inbox that cannot be read is told, and is no empty inbox; the service lives on")
    func unreadable() async throws {
        let service = service(once: false) { _ in .done(report: nil) }
        let away = scratch.path + "-away"
        try await serving(service) { _ in
            await clock.advanceSleepers(.zero)
            try FileManager.default.moveItem(atPath: scratch.path, toPath: away)
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().pollFailure != nil }
            #expect(service.health().isAlive)
            #expect(service.health().reasons.first?.hasPrefix("the inbox cannot be read") == true)
            try FileManager.default.moveItem(atPath: away, toPath: scratch.path)
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().pollFailure == nil }
        }
    }

    @Test("an inbox whose folders were removed, and one that comes back empty, is made again and goes on")
    func heals() async throws {
        let log = CapturedLog()
        let service = service(once: false, logger: log.logger) { _ in .done(report: nil) }
        let away = scratch.path + "-away"
        defer { try? FileManager.default.removeItem(atPath: away) }
        try await serving(service) { _ in
            await clock.advanceSleepers(.zero)
            for name in ["working", "done", "superseded"] {
                try FileManager.default.removeItem(atPath: scratch.path(name))
            }
            try scratch.write("x", to: "a.csv")
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().tally.done == 1 }
            #expect(scratch.names(in: "done") == ["a.csv"])
            // Another, empty folder comes in its place.
            try FileManager.default.moveItem(atPath: scratch.path, toPath: away)
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().pollFailure != nil }
            #expect(service.health().reasons.first?.contains("the inbox does not exist") == true)
            try FileManager.default.createDirectory(atPath: scratch.path, withIntermediateDirectories: false)
            try scratch.write("y", to: "b.csv")
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().tally.done == 2 }
            #expect(scratch.names(in: "done") == ["b.csv"])
            try await wait { service.health().reasons.isEmpty }
        }
        let told = log.text.split(separator: "\n").filter { $0.contains("are made again") }
        #expect(told.count == 2, "each time once: \(told)")
        #expect(log.text.contains("the inbox can be read again"))
    }

    @Test("an export for which there is no room is tried again by itself, and the job takes others meanwhile")
    func noRoom() async throws {
        let order = Recorder<String>()
        let service = service(once: false) { export in
            order.add(export.name)
            return export.name == "large.csv"
                ? .interrupted(reason: "c-1: no room", shownReason: "no room", countsForJob: false) : .done(report: nil)
        }
        try scratch.write("x", to: "large.csv", modified: 1000)
        try await serving(service) { _ in
            for round in 0..<12 {
                try scratch.write("x", to: "small-\(round).csv", modified: 2000 + round)
                await clock.advanceSleepers(.seconds(10))
                try await wait { order.values.contains("small-\(round).csv") && service.status().current == nil }
            }
            #expect(service.health().attention == ["large.csv is tried again: no room"])
            #expect(service.status().backoff.failures == 0)
        }
        let tries = order.values.count { $0 == "large.csv" }
        #expect((2...5).contains(tries), "ever more rarely: \(order.values)")
        #expect(scratch.names(in: "working") == ["large.csv"])
    }

    @Test(
        "while a folder is a link nothing is synced or moved, one sentence says so, and it goes on when the link is gone"
    )
    func turned() async throws {
        let log = CapturedLog()
        let service = service(once: false, logger: log.logger) { _ in .done(report: nil) }
        try scratch.createFolder("working")
        let prey = try TemporaryFolder()
        try await serving(service) { _ in
            await clock.advanceSleepers(.zero)
            try FileManager.default.moveItem(atPath: scratch.path("done"), toPath: scratch.path(".done"))
            try FileManager.default.createSymbolicLink(atPath: scratch.path("done"), withDestinationPath: prey.path)
            try scratch.write("x", to: "a.csv")
            for _ in 0..<3 { await clock.advanceSleepers(.seconds(10)) }
            try await wait { service.status().pollFailure != nil }
            #expect(service.health().isAlive)
            #expect(service.health().reasons.count == 1)
            #expect(service.health().reasons.first?.contains("done: is a symbolic link") == true)
            #expect(scratch.names().contains("a.csv") && prey.names().isEmpty)
            try FileManager.default.removeItem(atPath: scratch.path("done"))
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().tally.done == 1 && service.health().reasons.isEmpty }
            #expect(scratch.names(in: "done") == ["a.csv"])
        }
        #expect(log.text.split(separator: "\n").count { $0.contains("is a symbolic link") } == 1)
        try FileManager.default.removeItem(atPath: scratch.path("done"))
        try FileManager.default.createSymbolicLink(atPath: scratch.path("done"), withDestinationPath: prey.path)
        await #expect(throws: InboxError.self) { try await self.service { _ in .done(report: nil) }.run() }
        #expect(prey.names().isEmpty)
    }

    @Test("what the last process was moving is taken back as soon as the inbox is in order, before anything is synced")
    func recovers() async throws {
        let service = service(once: false) { [scratch] _ in
            let manifest = (try? scratch.read("working/a.csv.manifest.json")) ?? "missing"
            return .failed(reason: "its manifest is \(manifest)", report: nil)
        }
        try scratch.createFolder("working")
        try scratch.write("x", to: "working/a.csv")
        try scratch.createFolder("failed/\(FolderCalls.unfinished("a.csv.report"))")
        try scratch.write("there", to: "failed/a.csv.manifest.json")
        let prey = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(atPath: scratch.path("done"), withDestinationPath: prey.path)
        try await serving(service) { _ in
            await clock.advanceSleepers(.zero)
            try await wait { service.status().pollFailure != nil }
            #expect(scratch.names(in: "working") == ["a.csv"])
            try FileManager.default.removeItem(atPath: scratch.path("done"))
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().tally.failed == 1 }
        }
        #expect(scratch.names(in: "failed") == ["a.csv", "a.csv.manifest.json", "a.csv.report"])
        #expect(try scratch.read("failed/a.csv.report/reason.txt") == "its manifest is there\n")
    }

    @Test("permissions that are gone are told, and noticed when they come back", .enabled(if: getuid() != 0))
    func permissions() async throws {
        let service = service(once: false) { _ in .done(report: nil) }
        func set(_ mode: Int, _ path: String) throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
        try await serving(service) { _ in
            await clock.advanceSleepers(.zero)
            try set(0o000, scratch.path)
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().pollFailure != nil }
            try set(0o700, scratch.path)
            try set(0o500, scratch.path("working"))
            try scratch.write("x", to: "a.csv")
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.health().reasons.contains { $0.hasPrefix("a.csv: ") } }
            try set(0o700, scratch.path("working"))
            await clock.advanceSleepers(.seconds(10))
            try await wait { service.status().tally.done == 1 && service.health().reasons.isEmpty }
        }
    }

    @Test("ten thousand waiting snapshots are moved aside for the newest")
    func many() async throws {
        // Links, because ten thousand files take a minute to write.
        try scratch.write("x", to: "export-00000.csv")
        for number in 1..<10_000 {
            let name = "export-\(String(number + 100_000).dropFirst()).csv"
            try FileManager.default.linkItem(
                atPath: scratch.path + "/export-00000.csv", toPath: scratch.path + "/" + name)
        }
        let service = service(classify: { _ in .snapshot(of: [.customer]) }) { _ in .done(report: nil) }
        try await service.run()
        #expect(service.status().tally.superseded == 9999)
        #expect(scratch.names(in: "superseded").count == 9999)
        #expect(scratch.names(in: "done") == ["export-09999.csv"])
    }
}
