import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Synchronization

/// Applies the journal of one run: the changes of a cart one after the other, creates before deletes; different
/// carts in parallel.
struct Executor: Sendable {
    let run: String
    let ledger: Ledger
    let client: CommerceClient
    let concurrency: Int
    let stop: StopRequest
    let progress: RunProgress
    /// Says why a pending change is no longer to be made; nil where all are.
    var judge: (@Sendable (JournalEntry) throws -> String?)?

    /// Works until nothing is pending or the run is asked to stop.
    ///
    /// Throws the first error of the ledger, or of the API where it concerns everything; calls in flight have
    /// finished and their outcomes are in the ledger then, as far as it can be written.
    func apply() async throws {
        let queue = CartQueue(run: run, ledger: ledger)
        let outcomes = OutcomeBuffer(run: run, ledger: ledger)
        let first = await withTaskGroup(of: Finished.self) { group in
            for _ in 0..<concurrency {
                group.addTask { .worker(await failure(of: { try await work(queue, outcomes) })) }
            }
            group.addTask { .writer(await failure(of: { try await outcomes.flushRegularly() })) }
            var working = concurrency
            var first: (any Error)?
            for await finished in group {
                if let error = finished.error {
                    // The other workers finish the call they are in and take no further cart.
                    queue.close()
                    client.stop()
                    first = first ?? error
                }
                if case .worker = finished { working -= 1 }
                if working == 0 { group.cancelAll() }
            }
            return first
        }
        // What is known is written even where a worker failed.
        try outcomes.flush()
        if let first { throw first }
    }

    private enum Finished {
        case worker((any Error)?)
        case writer((any Error)?)

        var error: (any Error)? {
            switch self {
            case .worker(let error), .writer(let error): error
            }
        }
    }

    private func failure(of body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    private func work(_ queue: CartQueue, _ outcomes: OutcomeBuffer) async throws {
        while let cart = try stop.isRequested ? nil : queue.next() {
            var hasFailedCreate = cart.hasFailedCreate
            for entry in cart.entries {
                if stop.isRequested || queue.isClosed { return }
                if entry.change.kind == .delete && hasFailedCreate {
                    try skip(entry, "not tried, because a create of the same cart did not succeed", outcomes)
                    continue
                }
                if let reason = try judge?(entry) {
                    try skip(entry, reason, outcomes)
                    continue
                }
                guard let result = try await call(entry.change) else { return }
                if entry.change.kind == .create && !result.outcome.isSuccess { hasFailedCreate = true }
                try outcomes.add(ChangeOutcome(of: entry, result))
                progress.count(result.outcome)
            }
        }
    }

    private func skip(_ entry: JournalEntry, _ reason: String, _ outcomes: OutcomeBuffer) throws {
        try outcomes.add(ChangeOutcome(entry: entry.id, outcome: .skipped, attempts: 0, message: reason, at: Date()))
        progress.count(.skipped)
    }

    /// Makes one change; nil where the run was stopped before its call.
    private func call(_ change: Change) async throws -> WriteResult? {
        do {
            return switch change.kind {
            case .create: try await client.create(change.association)
            case .delete: try await client.delete(change.association)
            }
        } catch {
            if error.kind == .stopped { return nil }
            throw error
        }
    }
}

/// The carts that have pending changes, handed out one at a time; never more than a batch of them in memory.
final class CartQueue: Sendable {
    private static let batch = 256

    private struct State {
        var waiting: [CartChanges] = []
        var last: CartID?
        var isExhausted = false
        var isClosed = false
    }

    private let run: String
    private let ledger: Ledger
    private let state = Mutex(State())

    init(run: String, ledger: Ledger) {
        self.run = run
        self.ledger = ledger
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Hands out no further cart.
    func close() { state.withLock { $0.isClosed = true } }

    func next() throws -> CartChanges? {
        try state.withLock { state in
            if state.isClosed { return nil }
            if state.waiting.isEmpty && !state.isExhausted {
                // In reverse, so that the next one is taken from the end.
                state.waiting = try ledger.pendingCarts(of: run, after: state.last, limit: Self.batch).reversed()
                state.last = state.waiting.first?.cart ?? state.last
                state.isExhausted = state.waiting.isEmpty
            }
            return state.waiting.popLast()
        }
    }
}

/// Outcomes on their way to the ledger, written together by time and number.
final class OutcomeBuffer: Sendable {
    private static let most = 500
    private static let interval = Duration.milliseconds(200)

    private let run: String
    private let ledger: Ledger
    private let pending = Mutex<[ChangeOutcome]>([])
    /// Held while writing, so that two writers keep the order of the outcomes.
    private let writing = Mutex(())

    init(run: String, ledger: Ledger) {
        self.run = run
        self.ledger = ledger
    }

    func add(_ outcome: ChangeOutcome) throws {
        let count = pending.withLock { pending in
            pending.append(outcome)
            return pending.count
        }
        if count >= Self.most { try flush() }
    }

    func flush() throws {
        try writing.withLock { _ in
            let outcomes = pending.withLock { pending in
                defer { pending = [] }
                return pending
            }
            guard !outcomes.isEmpty else { return }
            try ledger.record(outcomes, of: run)
        }
    }

    /// Writes what there is every so often, until the task is cancelled.
    func flushRegularly() async throws {
        while (try? await Task.sleep(for: Self.interval, tolerance: .milliseconds(20))) != nil {
            try flush()
        }
    }
}

extension ChangeOutcome {
    fileprivate init(of entry: JournalEntry, _ result: WriteResult) {
        self.init(
            entry: entry.id, outcome: result.outcome, status: result.status, attempts: result.attempts,
            service: result.service, response: result.response, message: result.message, at: Date())
    }
}
