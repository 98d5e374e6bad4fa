import CartAssociations
import CommerceSandbox
import ExportFiles
import Foundation
import GRDB
import Ledger
import SyncReporting
import TestStore
import TestSupport
import Testing

@testable import SyncEngine

/// The disk is full, a path is wrong, or a row of the ledger is damaged.
@Suite("a plan that cannot be written down")
struct UnwrittenPlanTests {
    private struct Unwanted: Error {}

    /// A run of one record in a ledger of two that the source asserts.
    private func withRun(
        change: @escaping (inout RunOptions) -> Void = { _ in }, _ body: (Store, RunPlanner) async throws -> Void
    ) async throws {
        try await withStore { store in
            let header = "customer_id,cart_id\n"
            let path = try store.folder.write(header + "c-1,cart-1\nc-2,cart-2\n", to: "export.csv")
            try await store.withClient { client in
                let first = store.run(path, current: .ledger, client)
                _ = try await first.plan(keepingRejects: false).apply()
                _ = try store.folder.write(header + "c-1,cart-1\n,cart-3\n", to: "export.csv")
                try await body(store, store.run(path, current: .ledger, client, change: change))
            }
        }
    }

    private func execute(_ sql: String, in store: Store) throws {
        let database = try DatabaseQueue(path: store.folder.path("state/ledger.sqlite"))
        try database.write { try $0.execute(sql: sql) }
        try database.close()
    }

    /// Lets the ledger write no run, as on a full disk.
    private func fill(_ store: Store) throws {
        for change in ["INSERT", "UPDATE"] {
            try execute(
                "CREATE TRIGGER full_\(change) BEFORE \(change) ON run BEGIN SELECT RAISE(ABORT, 'no room'); END",
                in: store)
        }
    }

    private func makeRoom(_ store: Store) throws {
        for change in ["INSERT", "UPDATE"] { try execute("DROP TRIGGER full_\(change)", in: store) }
    }

    /// The names of runs' folders.
    private func folders(_ store: Store) -> [String] { store.folder.names(in: "state/runs") }

    @Test("a refused plan leaves neither a run nor its folder")
    func refused() async throws {
        try await withRun { store, run in
            let before = folders(store)
            let planned = try await run.plan(keepingRejects: true)
            #expect(folders(store).count == before.count + 1)
            try fill(store)
            do {
                _ = try planned.refuse(words: "too many", next: "cartsync plan")
                Issue.record("it was written")
            } catch {
                #expect("\(error)".contains("no room"))
            }
            #expect(folders(store) == before)
            try makeRoom(store)
            try store.ledger.endInterruptedRuns()
            #expect(try store.ledger.runs().map(\.state) == [.finished])
        }
    }

    @Test("an accepted plan makes no call, and leaves neither a run nor its folder")
    func accepted() async throws {
        try await withRun { store, run in
            let before = (folders(store), store.sandbox.statistics().writes, try store.asserted(by: "a"))
            let planned = try await run.plan(keepingRejects: true)
            try fill(store)
            do {
                _ = try await planned.apply()
                Issue.record("it was written")
            } catch {
                #expect("\(error)".contains("no room"))
            }
            try makeRoom(store)
            try store.ledger.endInterruptedRuns()
            #expect(folders(store) == before.0)
            #expect(store.sandbox.statistics().writes == before.1)
            #expect(try store.asserted(by: "a") == before.2)
            #expect(try store.ledger.runs().map(\.state) == [.finished])
        }
    }

    @Test("a saved plan, a shown one and a list of what is unmanaged end with the reason, and leave no folder")
    func saved() async throws {
        try await withRun {
            $0.listsUnmanaged = true
        } _: { store, run in
            let before = folders(store)
            let missing = store.folder.path("missing/file")
            let first = try await run.plan(keepingRejects: true)
            do {
                try first.save(to: missing)
                Issue.record("it was written")
            } catch {
                #expect("\(error)".contains(missing))
            }
            let second = try await run.plan(keepingRejects: true)
            do {
                try second.save(to: nil) { _ in throw Unwanted() }
                Issue.record("it was shown")
            } catch {
                #expect("\(error)".contains("Unwanted"))
            }
            #expect(folders(store) == before)
            var third = try await run.plan(keepingRejects: true)
            do {
                try third.saveUnmanaged(to: missing)
                Issue.record("it was written")
            } catch {
                #expect("\(error)".contains(missing))
            }
            let path = store.folder.path("unmanaged.csv")
            try third.saveUnmanaged(to: path)
            #expect(FileManager.default.fileExists(atPath: path))
            third.discard()
            #expect(folders(store) == before)
        }
    }

    @Test("a failed run that cannot be recorded is said in the log")
    func failed() async throws {
        try await withRun { store, run in
            let runs = try store.ledger.runs()
            try fill(store)
            run.record(.export(ExportError(.missing, file: "e.csv", problem: "gone", advice: "look")))
            #expect(store.store.log.text.contains("a run that failed is not recorded"))
            #expect(try store.ledger.runs() == runs)
        }
    }

    @Test("nothing is deleted because of a row of the ledger that is not what it was")
    func damagedRow() async throws {
        try await withRun { store, run in
            let before = try store.associations
            try execute("UPDATE association SET owner = 'c-9' WHERE cart = 'cart-2'", in: store)
            let failure = await #expect(throws: RunFailure.self) { _ = try await run.plan(keepingRejects: true) }
            let words = failure.map { "\($0)" } ?? ""
            #expect(words.contains("the ledger's row of") && words.contains("is damaged"), "\(words)")
            #expect(try store.associations == before)
        }
    }
}
