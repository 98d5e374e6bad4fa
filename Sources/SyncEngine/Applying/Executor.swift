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
    /// How many changes a listing has to confirm before the rest is made; 0 for none.
    var canary = 0
    /// How long the listing may lag behind the changes.
    var listingLag: Duration
    /// Whether a listing of the store shows what exists: a delete whose answer is unknown is looked up in it.
    var hasListing = false
    /// The part before, where the run is resumed.
    var resumption: Resumption?
    /// The tokens that calls are made with in the owners' names; nil with client credentials.
    var shoppers: ShopperTokens?

    /// Works until nothing is pending or the run is asked to stop.
    ///
    /// Throws the first error of the ledger, or of the API where it concerns everything; calls in flight have
    /// finished and their outcomes are in the ledger then, as far as it can be written.
    func apply() async throws {
        let notes = Notes(keepsMade: canary > 0)
        let queue = CartQueue(run: run, ledger: ledger, allowance: canary > 0 ? canary : nil)
        try await work(through: queue, notes)
        if canary > 0 && !isStopping && queue.hasHandedOut {
            try await confirm(notes.takeMade())
            notes.forgetMade()
            queue.lift()
            try await work(through: queue, notes)
        }
        if !isStopping { try await settleDoubts(notes) }
    }

    var isStopping: Bool { stop.isRequested || client.standingError != nil }

    /// What is remembered of the changes beyond their outcomes.
    final class Notes: Sendable {
        struct State {
            /// Changes that succeeded while the canary is out; nil afterwards.
            var made: [Change]?
            /// Deletes that may have been made, by cart.
            var doubtful: [CartID: [JournalEntry]] = [:]
            var doubts = 0
            /// Carts that the run has created and still works on.
            var carts: Set<CartID> = []
        }

        let state: Mutex<State>

        init(keepsMade: Bool) {
            state = Mutex(State(made: keepsMade ? [] : nil))
        }

        func takeMade() -> [Change] { state.withLock { $0.made ?? [] } }
        func forgetMade() { state.withLock { $0.made = nil } }

        func note(made change: Change) {
            state.withLock { $0.made?.append(change) }
        }

        func isKnown(_ cart: CartID) -> Bool { state.withLock { $0.carts.contains(cart) } }
        func know(_ cart: CartID) { state.withLock { _ = $0.carts.insert(cart) } }
        func forget(_ cart: CartID) { state.withLock { _ = $0.carts.remove(cart) } }

        /// Puts a delete aside; false where there are too many already.
        func putAside(_ entry: JournalEntry) -> Bool {
            state.withLock { state in
                guard state.doubts < Executor.mostDoubts else { return false }
                state.doubts += 1
                state.doubtful[entry.change.association.cart, default: []].append(entry)
                return true
            }
        }
    }

    /// A listing shows at most about 10,100 carts, so that there is nothing to look up about more deletes.
    private static let mostDoubts = 20_000

    func work(through queue: CartQueue, _ notes: Notes, settlesDoubts: Bool = false) async throws {
        let outcomes = OutcomeBuffer(ledger: ledger)
        let worker = Worker(
            executor: self, queue: queue, outcomes: outcomes, notes: notes, settlesDoubts: settlesDoubts)
        let first = await withTaskGroup(of: Finished.self) { group in
            for _ in 0..<concurrency {
                group.addTask { .worker(await failure(of: { try await worker.work() })) }
            }
            group.addTask {
                .writer(await failure(of: { try await outcomes.flushRegularly { try queue.readAhead() } }))
            }
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
}

/// Takes carts from the queue and makes their changes one after the other.
private struct Worker: Sendable {
    let executor: Executor
    let queue: CartQueue
    let outcomes: OutcomeBuffer
    let notes: Executor.Notes
    /// Whether deletes are made whatever became of an earlier attempt.
    let settlesDoubts: Bool

    private var client: CommerceClient { executor.client }
    private var progress: RunProgress { executor.progress }

    func work() async throws {
        while let cart = try executor.stop.isRequested ? nil : queue.next() {
            defer { notes.forget(cart.cart) }
            var hasFailedCreate = cart.hasFailedCreate
            for entry in cart.entries {
                if executor.stop.isRequested || queue.isClosed { return }
                if entry.change.kind == .delete && hasFailedCreate {
                    try skip(entry, "not tried, because a create of the same cart did not succeed")
                    continue
                }
                if let reason = try executor.resumption?.judge(entry) {
                    try skip(entry, reason)
                    continue
                }
                guard let isMade = try await make(entry) else { return }
                if entry.change.kind == .create && !isMade { hasFailedCreate = true }
            }
        }
    }

    /// Creates the cart of a change where it is to be created and is not known to be there; nil where it need not be.
    ///
    /// What a store answers to the id of a cart that is there is not documented (Elastic Path, carts, create a cart):
    /// after a 400, 409 or 422 the association says whether it is.
    private func makeCart(_ change: Change) async throws(APIError) -> (result: WriteResult, mustStop: Bool)? {
        guard let cart = change.newCart, !notes.isKnown(change.association.cart) else { return nil }
        let id = change.association.cart
        let known = (try? executor.ledger.associations(of: id)) ?? []
        guard !known.contains(where: { $0.confirmation != nil }) else { return nil }
        let result = try await client.createCart(id: id, name: cart.name, description: cart.description)
        if result.outcome.isSuccess {
            notes.know(id)
            return nil
        }
        let mayBeThere = [400, 409, 422].contains(result.status)
        return (
            WriteResult(
                outcome: result.outcome, answer: result.answer, status: result.status, attempts: result.attempts,
                message: "the cart was not created: \(result.message ?? "no reason given")", service: result.service,
                response: result.response),
            !mayBeThere
        )
    }

    private func token(of change: Change) -> ShopperToken? { executor.shoppers?[change.association.owner] }

    private func skip(_ entry: JournalEntry, _ reason: String) throws {
        try outcomes.add(entry.ended(ChangeOutcome(.skipped, attempts: 0, message: reason, at: Date())))
        progress.count(.skipped)
    }

    /// Makes one change and records its outcome; returns whether it succeeded, nil where the run was stopped before.
    private func make(_ entry: JournalEntry) async throws -> Bool? {
        let change = entry.change
        let looksUp = change.kind == .delete && executor.hasListing && !settlesDoubts
        // Whether the attempt of a killed process had its effect, nobody knows.
        if looksUp && executor.resumption != nil && notes.putAside(entry) { return true }
        let result: WriteResult
        do {
            switch change.kind {
            case .create:
                let cart = try await makeCart(change)
                if let cart, cart.mustStop {
                    result = cart.result
                } else {
                    result = try await client.create(change.association, shopper: token(of: change))
                        .explained(by: cart?.result.message)
                }
            case .delete:
                result = try await client.delete(
                    change.association, shopper: token(of: change), repeatingUnknown: !looksUp)
            }
        } catch {
            if error.kind == .stopped { return nil }
            throw error
        }
        if looksUp && result.isUncertain {
            if notes.putAside(entry) { return true }
        }
        try outcomes.add(entry.ended(ChangeOutcome(result)))
        progress.count(result.outcome)
        if result.outcome.isSuccess { notes.note(made: change) }
        return result.outcome.isSuccess
    }
}

extension ChangeOutcome {
    fileprivate init(_ result: WriteResult) {
        self.init(
            result.outcome, status: result.status, attempts: result.attempts,
            service: result.service, response: result.response, message: result.message, at: Date())
    }
}

extension WriteResult {
    /// The same result, which says too why the cart was not created.
    fileprivate func explained(by reason: String?) -> WriteResult {
        guard let reason, !outcome.isSuccess else { return self }
        return WriteResult(
            outcome: outcome, answer: answer, status: status, attempts: attempts,
            message: [message, reason].compactMap(\.self).joined(separator: "; "), service: service,
            response: response, isUncertain: isUncertain)
    }
}
