import CallPacing
import CartAssociations
import CommerceAPI
import CommerceSandbox
import ExportFiles
import Foundation
import Ledger
import SyncReporting
import TestStore
import TestSupport

@testable import SyncEngine

/// A store and a ledger for runs in this process.
struct Store: Sendable {
    let store: TestStore
    let ledger: Ledger
    /// The clock of runs; that of clients is the machine's.
    var time = TimeSource.system

    var sandbox: Sandbox { store.sandbox }
    var folder: TemporaryFolder { store.folder }

    /// The associations that exist.
    var associations: Set<Association> {
        get throws {
            var found: Set<Association> = []
            for association in sandbox.associations() {
                let kind: OwnerKind = association.kind == .customer ? .customer : .account
                if let owner = OwnerID(association.owner), let cart = CartID(association.cart) {
                    found.insert(Association(kind, owner, cart))
                }
            }
            return found
        }
    }

    /// What the ledger says that a source asserts.
    func asserted(by source: String) throws -> Set<Association> {
        var found: Set<Association> = []
        try ledger.forEachAssociation { _, stored in
            if stored.sources.contains(source) { found.insert(stored.association) }
        }
        return found
    }

    func withClient<Value>(
        retry: RetryPolicy = RetryPolicy(), observe: @escaping @Sendable (CallEvent) -> Void = { _ in },
        _ body: (CommerceClient) async throws -> Value
    ) async throws -> Value {
        try await store.withClient(retry: retry, change: { $0.concurrency = 4 }, observe: observe, body)
    }

    /// Plans and applies one export; every delete is approved.
    @discardableResult
    func sync(
        _ wanted: Set<Association>, source: String = "a", scope: DeletionScope = .owned, current: CurrentSource = .api,
        shuffled generator: inout SeededGenerator
    ) async throws -> RunReport {
        var text = "owner_type,owner_id,cart_id\n"
        for association in wanted.sorted().shuffled(using: &generator) {
            text += "\(association.owner.kind.rawValue),\(association.owner.id),\(association.cart)\n"
        }
        let path = try folder.write(text, to: "export.csv")
        return try await withClient { client in
            let run = run(path, source: source, scope: scope, current: current, client)
            return try await run.plan(keepingRejects: true).apply().report
        }
    }

    func run(
        _ path: String, and others: [String] = [], source: String = "a", scope: DeletionScope = .owned,
        current: CurrentSource = .api,
        oneOwnerPerCart: Bool = false, shard: Shard? = nil, now: Date? = nil, _ client: CommerceClient,
        change: (inout RunOptions) -> Void = { _ in }
    ) -> RunPlanner {
        var options = options(path, source, scope, current)
        options.exports += others
        options.oneOwnerPerCart = oneOwnerPerCart
        options.shard = shard
        change(&options)
        return RunPlanner(options, tools(client, now: now))
    }

    /// The latest run, to be resumed.
    func resumed(_ record: RunRecord, _ client: CommerceClient) throws -> StoppedRun {
        try RunPlanner(options("", record.source, record.scope, .api), tools(client, resuming: record)).resume(record)
    }

    /// - Parameter now: what the clock on the wall shows; nil: the time.
    private func tools(_ client: CommerceClient, resuming record: RunRecord? = nil, now: Date? = nil) -> RunTools {
        var generator = SystemRandomNumberGenerator()
        let clock = TimeSource(now: time.now, wall: { [time] in now ?? time.wall() }) { [time] instant, tolerance in
            try await time.sleep(until: instant, tolerance: tolerance)
        }
        return RunTools(
            run: record?.id ?? RunRecord.makeID(at: Date(), using: &generator), started: record?.started ?? Date(),
            ledger: ledger, client: client, listing: SharedListing(),
            recorder: LatencyRecorder(started: .now, wallClock: Date()),
            progress: RunProgress(), stop: StopSignal(), time: clock, log: store.log.logger)
    }

    private func options(
        _ path: String, _ source: String, _ scope: DeletionScope, _ current: CurrentSource
    ) -> RunOptions {
        var settings = RunSettings()
        settings.source = source
        settings.scope = scope
        settings.current = current
        settings.planGuard.approvedDeletes = 1_000_000
        settings.planGuard.allowEmpty = true
        settings.planGuard.maxRejected = .share(1)
        return RunOptions(
            command: "sync", exports: [path], settings: settings, concurrency: 4, rateLimit: 10_000)
    }
}

/// Starts a store for one test, and stops it afterwards.
func withStore(
    _ options: SandboxOptions = SandboxOptions(), carts: [SandboxCart] = [], _ body: (Store) async throws -> Void
) async throws {
    var options = options
    options.carts += carts
    try await TestStore.with(options) { store in
        let ledger = try Ledger.open(
            folder: store.folder.path("state"), store: StoreIdentity(baseURL: store.baseURL, clientID: "t"),
            now: Date())
        try await body(Store(store: store, ledger: ledger))
        try ledger.close()
    }
}
