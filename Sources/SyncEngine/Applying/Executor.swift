import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Synchronization

/// Applies the journal of one run: the changes of a cart one after the other, creates before deletes; different
/// carts in parallel.
struct Executor: Sendable {
    let tools: RunTools
    /// Carts that are worked on at the same time.
    let concurrency: Int
    /// How many changes a listing has to confirm before the rest is made; 0 for none.
    let canary: Int
    /// How long the listing may lag behind the changes.
    let listingLag: Duration
    /// Whether a listing of the store shows what exists: a change whose answer is unknown is looked up in it.
    let hasListing: Bool
    /// The part before, if the run is resumed.
    let resumption: Resumption?
    /// The tokens that calls are made with in the owners' names; nil with client credentials.
    let shoppers: ShopperTokens?

    fileprivate var ledger: Ledger { tools.ledger }
    fileprivate var client: CommerceClient { tools.client }

    /// Works until nothing is pending or the run is asked to stop.
    ///
    /// Throws the first error of the ledger, or of the API if it concerns every call. By then the calls in flight have
    /// ended, and their outcomes are in the ledger unless it cannot be written.
    func apply() async throws {
        let notes = Notes(keepsCanary: canary > 0)
        let queue = CartQueue(run: tools.run, ledger: ledger, allowance: canary > 0 ? canary : nil)
        try await work(through: queue, notes)
        if canary > 0 && !isStopping && queue.hasHandedOut {
            try await confirm(notes.takeCanary())
            queue.lift()
            try await work(through: queue, notes)
        }
        if !isStopping { try await settleDoubts(notes) }
    }

    private var isStopping: Bool { tools.stop.isStopped || client.standingError != nil }

    private func work(through queue: CartQueue, _ notes: Notes, settlesDoubts: Bool = false) async throws {
        let outcomes = OutcomeBuffer(ledger: ledger, time: tools.time)
        let worker = Worker(
            executor: self, queue: queue, outcomes: outcomes, notes: notes, settlesDoubts: settlesDoubts)
        let first = await withTaskGroup(of: (isWorker: Bool, error: (any Error)?).self) { group in
            for _ in 0..<concurrency {
                group.addTask { (true, await failure(of: { try await worker.work() })) }
            }
            group.addTask {
                (false, await failure(of: { try await outcomes.flushRegularly { try queue.readAhead() } }))
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
                if finished.isWorker { working -= 1 }
                if working == 0 { group.cancelAll() }
            }
            return first
        }
        // What is known is written even if a worker failed.
        try outcomes.flush()
        if let first { throw first }
    }

    private func failure(of body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: - What the listing is asked

    private static let longestWait: Duration = .seconds(10)

    /// Waits until a listing shows what the first changes have made of the store.
    ///
    /// Throws `RunFailure.unconfirmed` if none does in time, or none of the changes succeeded.
    private func confirm(_ made: [Change]) async throws {
        guard !made.isEmpty else {
            throw RunFailure.unconfirmed("none of the first \(canary) changes (run.canary) succeeded")
        }
        let end = tools.time.now() + listingLag
        var wait: Duration = .milliseconds(500)
        while true {
            let listing = try await list(Set(made.map(\.association.owner)))
            let listed = Set(listing.associations)
            let missing = made.filter { change in
                switch change.kind {
                case .create: !listed.contains(change.association)
                // What an incomplete listing does not show may be there all the same.
                case .delete: listed.contains(change.association) || !listing.isComplete
                }
            }
            guard let example = missing.first else { return }
            guard tools.time.now() + wait < end else {
                var why =
                    "\(missing.count) of the first \(made.count) changes (run.canary) do not show in the store's "
                    + "listing after \(listingLag.components.seconds) s, for instance the \(example.kind.rawValue) "
                    + "of \(example.association)"
                if case .incomplete(let reason) = listing.completeness { why += "; \(reason)" }
                throw RunFailure.unconfirmed(why)
            }
            try await client.pause(for: wait)
            wait = min(wait * 2, Self.longestWait)
        }
    }

    /// A listing that shows at least what these owners have.
    private func list(_ owners: Set<Owner>) async throws(APIError) -> Listing {
        guard let shoppers else { return try await client.listAssociations() }
        return try await client.listAssociations(ofShoppers: owners.sorted().map { ($0, shoppers[$0]) })
    }

    /// Looks up in a fresh listing what may have been made without the store's saying so: creates that it shows are
    /// made, deletes that it still shows are made again.
    private func settleDoubts(_ notes: Notes) async throws {
        let creates = notes.creates
        let deletes = notes.deletes
        guard !creates.isEmpty || !deletes.isEmpty else { return }
        let entries = creates.map(\.entry) + deletes.values.joined()
        let listing: Listing
        do {
            listing = try await list(Set(entries.map(\.change.association.owner)))
        } catch {
            // Nothing more is known of these; deletes are left to be looked up when the run is resumed.
            try record(creates)
            throw error
        }
        let listed = Set(listing.associations)
        try record(
            creates.map { create in
                guard listed.contains(create.entry.change.association) else { return create }
                let last = create.result
                return (
                    create.entry,
                    ChangeOutcome(
                        .created, answer: last.answer, status: last.status, attempts: last.attempts,
                        service: last.service, response: last.response,
                        message: "a fresh listing shows it, so that one of the attempts has made it")
                )
            })
        let gone =
            listing.isComplete ? deletes.values.joined().filter { !listed.contains($0.change.association) } : []
        try record(
            gone.map { entry in
                let message =
                    "a fresh listing does not show it; an earlier attempt without an answer may have deleted it"
                return (entry, ChangeOutcome(.alreadyGone, attempts: 0, message: message))
            })
        let left = deletes.sorted { $0.key < $1.key }.compactMap { cart, entries -> CartChanges? in
            let still = entries.filter { !listing.isComplete || listed.contains($0.change.association) }
            return still.isEmpty ? nil : CartChanges(cart: cart, entries: still, hasFailedCreate: false)
        }
        try await work(through: CartQueue(of: left, run: tools.run, ledger: ledger), notes, settlesDoubts: true)
    }

    private func record(_ ended: [(entry: JournalEntry, result: ChangeOutcome)]) throws {
        try ledger.record(ended.map { $0.entry.ended($0.result, at: tools.time.wall()) })
        for (_, result) in ended { tools.progress.count(result.outcome) }
    }
}

/// What is remembered of the changes beyond their outcomes.
private final class Notes: Sendable {
    private struct State {
        /// Changes that succeeded before the listing is asked; nil afterwards.
        var canary: [Change]?
        /// Deletes that may have been made, by cart.
        var deletes: [CartID: [JournalEntry]] = [:]
        /// Creates that may have been made, with how they ended otherwise.
        var creates: [(entry: JournalEntry, result: ChangeOutcome)] = []
        var doubts = 0
        /// Carts that the run has created and still works on.
        var carts: Set<CartID> = []
    }

    /// A listing shows at most about 10,100 carts: about more changes there is nothing to look up.
    private static let mostDoubts = 20_000

    private let state: Mutex<State>

    init(keepsCanary: Bool) {
        state = Mutex(State(canary: keepsCanary ? [] : nil))
    }

    /// The first changes that succeeded; later ones are not kept.
    func takeCanary() -> [Change] {
        state.withLock { state in
            defer { state.canary = nil }
            return state.canary ?? []
        }
    }

    func note(success change: Change) {
        state.withLock { $0.canary?.append(change) }
    }

    func isKnown(_ cart: CartID) -> Bool { state.withLock { $0.carts.contains(cart) } }
    func know(_ cart: CartID) { state.withLock { _ = $0.carts.insert(cart) } }
    func forget(_ cart: CartID) { state.withLock { _ = $0.carts.remove(cart) } }

    var deletes: [CartID: [JournalEntry]] { state.withLock { $0.deletes } }
    var creates: [(entry: JournalEntry, result: ChangeOutcome)] { state.withLock { $0.creates } }

    /// Puts a change aside that may have been made; false if there are too many already.
    ///
    /// - Parameter result: how a create ended, in case no listing shows it.
    func putAside(_ entry: JournalEntry, _ result: ChangeOutcome? = nil) -> Bool {
        state.withLock { state in
            guard state.doubts < Self.mostDoubts else { return false }
            state.doubts += 1
            if let result {
                state.creates.append((entry, result))
            } else {
                state.deletes[entry.change.association.cart, default: []].append(entry)
            }
            return true
        }
    }
}

/// Takes carts from the queue and makes their changes one after the other.
private struct Worker: Sendable {
    let executor: Executor
    let queue: CartQueue
    let outcomes: OutcomeBuffer
    let notes: Notes
    /// Whether deletes are made whatever became of an earlier attempt.
    let settlesDoubts: Bool

    private var client: CommerceClient { executor.client }
    private var progress: RunProgress { executor.tools.progress }

    func work() async throws {
        while let cart = try executor.tools.stop.isStopped ? nil : queue.next() {
            defer { notes.forget(cart.cart) }
            var hasFailedCreate = cart.hasFailedCreate
            for entry in cart.entries {
                if executor.tools.stop.isStopped || queue.isClosed { return }
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

    /// Creates the cart of a change if it is to be created and not known to be there; nil if the change can be made.
    ///
    /// What a store answers to the id of a cart that is there is not documented (Elastic Path, carts, create a cart):
    /// after a 400, 409 or 422 the association says whether it is.
    private func makeCart(_ change: Change) async throws(APIError) -> (result: ChangeOutcome, mustStop: Bool)? {
        guard let cart = change.newCart, !notes.isKnown(change.association.cart) else { return nil }
        let id = change.association.cart
        let known = (try? executor.ledger.associations(of: id)) ?? []
        guard !known.contains(where: { $0.confirmation != nil }) else { return nil }
        var result = try await client.createCart(id: id, name: cart.name, description: cart.description)
        if result.outcome.isSuccess {
            notes.know(id)
            return nil
        }
        result.message = "the cart was not created: \(result.message ?? "no reason given")"
        let mayBeThere = [400, 409, 422].contains(result.status)
        return (result, !mayBeThere)
    }

    private func token(of change: Change) -> ShopperToken? { executor.shoppers?[change.association.owner] }

    private func skip(_ entry: JournalEntry, _ reason: String) throws {
        try outcomes.add(
            entry.ended(ChangeOutcome(.skipped, attempts: 0, message: reason), at: executor.tools.time.wall()))
        progress.count(.skipped)
    }

    /// Makes one change and records its outcome; returns whether it succeeded, nil if the run was stopped before.
    private func make(_ entry: JournalEntry) async throws -> Bool? {
        let change = entry.change
        let looksUp = change.kind == .delete && executor.hasListing && !settlesDoubts
        // Nothing tells whether the attempt of a killed process had its effect.
        if looksUp && executor.resumption != nil && notes.putAside(entry) { return true }
        var result: ChangeOutcome
        do {
            switch change.kind {
            case .create:
                let cart = try await makeCart(change)
                if let cart, cart.mustStop {
                    result = cart.result
                } else {
                    result = try await client.create(change.association, shopper: token(of: change))
                    // The failure says too why the cart was not created.
                    if let reason = cart?.result.message, !result.outcome.isSuccess {
                        result.message = [result.message, reason].compactMap(\.self).joined(separator: "; ")
                    }
                }
            case .delete:
                result = try await client.delete(
                    change.association, shopper: token(of: change), repeatingUnknown: !looksUp)
            }
        } catch {
            if error.kind == .stopped { return nil }
            throw error
        }
        if looksUp && result.isUncertain && notes.putAside(entry) { return true }
        if change.kind == .create && executor.hasListing && result.isUncertain && notes.putAside(entry, result) {
            return false
        }
        try outcomes.add(entry.ended(result, at: executor.tools.time.wall()))
        progress.count(result.outcome)
        if result.outcome.isSuccess { notes.note(success: change) }
        return result.outcome.isSuccess
    }
}
