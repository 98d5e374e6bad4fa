import CartAssociations
import CommerceAPI
import Foundation
import SyncEngine
import SyncReporting
import TestSupport
import Testing

@testable import cartsync

@Suite("settings that are read again")
struct SettingsChangeTests {
    private func load(_ file: String) async throws -> LoadedSettings {
        let folder = try TemporaryFolder()
        return try SettingsLoader(environment: [:], file: try folder.write(file, to: "settings.yaml")).load()
    }

    @Test("rate, guards and intervals hold at once, the rest needs a restart")
    func split() async throws {
        let old = try await load("rate: {limit: 20, concurrency: 8}\nguard: {max-deletes: 5}\nsource: {folder: /x}")
        let new = try await load(
            "rate: {limit: 30, concurrency: 9}\nguard: {max-rejected: 3}\nsource: {folder: /y, poll: 1m, settle: 0s}\n"
                + "api: {client-secret: other}")
        let change = SettingsChange(from: old, to: new)
        #expect(
            change.applied
                == ["guard.max-deletes", "guard.max-rejected", "rate.limit", "source.poll", "source.settle"])
        #expect(change.needingRestart == ["api.client-secret", "rate.concurrency", "source.folder"])
        let taken = old.taking(new)
        #expect((taken.settings.rate, taken.settings.concurrency) == (30, 8))
        #expect(taken.settings.planGuard.maxDeletes == Guard().maxDeletes)
        #expect(taken.settings.planGuard.maxRejected == .count(3))
        #expect((taken.settings.poll, taken.settings.settle) == (.seconds(60), .zero))
        #expect(taken.settings.sources.folder == "/x")
        #expect(taken.used.first { $0.name == "rate.limit" }?.value == "30")
        #expect(!taken.used.contains { $0.name == "guard.max-deletes" })
        // What holds is compared the next time; what needs a restart still does.
        #expect(SettingsChange(from: taken, to: new).applied.isEmpty)
        #expect(SettingsChange(from: taken, to: new).needingRestart == change.needingRestart)
    }

    @Test("a job that stays takes its own guards at once; jobs that come or go need a restart")
    func jobs() async throws {
        let old = try await load("jobs: {a: {source: {folder: /a}}, b: {source: {folder: /b}}}")
        let new = try await load(
            "jobs: {a: {source: {folder: /a, poll: 2s}, guard: {max-deletes: 7}}, c: {source: {folder: /c}}}")
        let change = SettingsChange(from: old, to: new)
        #expect(change.applied == ["jobs.a.guard.max-deletes", "jobs.a.source.poll"])
        #expect(change.needingRestart == ["jobs.b.source.folder", "jobs.c.source.folder"])
        let taken = old.taking(new)
        #expect(taken.jobs.map(\.name) == ["a", "b"])
        #expect(taken.jobs.first?.loaded.settings.planGuard.maxDeletes == 7)
        #expect(taken.jobs.first?.loaded.settings.poll == .seconds(2))
        #expect(taken.jobs.first?.loaded.used.contains { $0.name == "jobs.a.guard.max-deletes" } == true)
    }

    @Test("the same settings are no change")
    func same() async throws {
        let text = "rate: {limit: 20}\njobs: {a: {source: {folder: /a}}}"
        #expect(SettingsChange(from: try await load(text), to: try await load(text)).isEmpty)
    }
}
