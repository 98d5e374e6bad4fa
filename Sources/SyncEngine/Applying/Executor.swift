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
        try await work(through: queue, notes, .first)
        if canary > 0 && !isStopping && queue.hasHandedOut {
            try await confirm(notes.takeCanary())
            queue.lift()
            try await work(through: queue, notes, .first)
        }
        try await finish(notes)
    }

    /// Makes what waits at the end of the line, which is what is still pending in the ledger: a round more in which it
    /// may wait again, and a last one in which it may not.
    private func finish(_ notes: Notes) async throws {
        for (number, round) in [Round.again, .last].enumerated() {
            if isStopping { return }
            try await settleDoubts(notes)
            guard notes.takeLeft(), !isStopping else { return }
            // A short line would be at its end again before the store could recover.
            try await client.pause(for: Self.waits.wait(afterFailures: number + 1))
            let queue = CartQueue(run: tools.run, ledger: ledger, allowance: nil)
            try await work(through: queue, notes, round)
        }
        if !isStopping { try await settleDoubts(notes) }
    }

    private static let waits = Backoff(first: .milliseconds(500), longest: .seconds(5))

    private var isStopping: Bool { tools.stop.isStopped || client.standingError != nil }

    private func work(through queue: CartQueue, _ notes: Notes, _ round: Round) async throws {
        let outcomes = OutcomeBuffer(ledger: ledger, time: tools.time)
        let worker = Worker(executor: self, queue: queue, outcomes: outcomes, notes: notes, round: round)
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
    /// made, deletes that it does not show are gone; those that it shows stay pending.
    private func settleDoubts(_ notes: Notes) async throws {
        let (creates, deletes) = notes.takeDoubts()
        guard !creates.isEmpty || !deletes.isEmpty else { return }
        let entries = creates.map(\.entry) + deletes
        let listing: Listing
        do {
            listing = try await list(Set(entries.map(\.change.association.owner)))
        } catch {
            // Nothing more is known of these; deletes are left to be looked up when the run is resumed.
            try record(creates, notes)
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
            }, notes)
        let gone = listing.isComplete ? deletes.filter { !listed.contains($0.change.association) } : []
        try record(
            gone.map { entry in
                let message =
                    "a fresh listing does not show it; an earlier attempt without an answer may have deleted it"
                return (entry, ChangeOutcome(.alreadyGone, attempts: 0, message: message))
            }, notes)
        if gone.count < deletes.count { notes.leave() }
    }

    private func record(_ ended: [(entry: JournalEntry, result: ChangeOutcome)], _ notes: Notes) throws {
        try ledger.record(ended.map { notes.ended($0.entry, $0.result, at: tools.time.wall()) })
        for (_, result) in ended { tools.progress.count(result.outcome) }
    }
}

/// What is remembered of the changes beyond their outcomes.
private final class Notes: Sendable {
    private struct State {
        /// Changes that succeeded before the listing is asked; nil afterwards.
        var canary: [Change]?
        /// Deletes that may have been made.
        var deletes: [JournalEntry] = []
        /// Creates that may have been made, with how they ended otherwise.
        var creates: [(entry: JournalEntry, result: ChangeOutcome)] = []
        /// Whether changes were left pending for a later round.
        var hasLeft = false
        /// The requests that were sent for them, by the entries' ids.
        var sent: [Int64: Int] = [:]
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

    /// The changes that may have been made, which are no longer kept here then.
    func takeDoubts() -> (creates: [(entry: JournalEntry, result: ChangeOutcome)], deletes: [JournalEntry]) {
        state.withLock { state in
            defer { (state.creates, state.deletes) = ([], []) }
            return (state.creates, state.deletes)
        }
    }

    /// Puts a change aside that may have been made; false if there are too many already.
    ///
    /// - Parameter result: how a create ended, in case no listing shows it.
    func putAside(_ entry: JournalEntry, _ result: ChangeOutcome? = nil) -> Bool {
        state.withLock { state in
            guard state.creates.count + state.deletes.count < Self.mostDoubts else { return false }
            if let result {
                state.creates.append((entry, result))
            } else {
                state.deletes.append(entry)
            }
            return true
        }
    }

    /// So many changes are remembered with the requests of earlier rounds; those of more are not counted.
    private static let mostSent = 100_000

    /// Notes that changes are left pending for a later round.
    func leave() { state.withLock { $0.hasLeft = true } }

    /// Notes the requests that were sent for a change which is left pending.
    func note(_ attempts: Int, for entry: JournalEntry) {
        state.withLock { state in
            guard state.sent.count < Self.mostSent || state.sent[entry.id] != nil else { return }
            state.sent[entry.id, default: 0] += attempts
        }
    }

    /// An entry with its outcome, and with the requests of earlier rounds.
    func ended(_ entry: JournalEntry, _ result: ChangeOutcome, at: Date) -> JournalEntry {
        var result = result
        result.attempts += state.withLock { $0.sent.removeValue(forKey: entry.id) ?? 0 }
        return entry.ended(result, at: at)
    }

    /// Whether changes were left since this was asked last.
    func takeLeft() -> Bool {
        state.withLock { state in
            defer { state.hasLeft = false }
            return state.hasLeft
        }
    }
}

/// Takes carts from the queue and makes their changes one after the other.
private struct Worker: Sendable {
    let executor: Executor
    let queue: CartQueue
    let outcomes: OutcomeBuffer
    let notes: Notes
    let round: Round

    private var client: CommerceClient { executor.client }
    private var progress: RunProgress { executor.tools.progress }

    func work() async throws {
        carts: while let cart = try executor.tools.stop.isStopped ? nil : queue.next() {
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
                switch try await make(entry) {
                case .made: break
                case .notMade: hasFailedCreate = hasFailedCreate || entry.change.kind == .create
                case .postponed:
                    notes.leave()
                    // The cart waits with it: its changes keep their order.
                    continue carts
                case .stopped: return
                }
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
        var result = try await client.createCart(
            id: id, name: cart.name, description: cart.description, round: round)
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
        let outcome = ChangeOutcome(.skipped, attempts: 0, message: reason)
        try outcomes.add(notes.ended(entry, outcome, at: executor.tools.time.wall()))
        progress.count(.skipped)
    }

    private enum End {
        case made
        case notMade
        /// It is left pending for a later round.
        case postponed
        /// The run was stopped before.
        case stopped
    }

    /// Makes one change and records its outcome, if it has one.
    private func make(_ entry: JournalEntry) async throws -> End {
        let change = entry.change
        // In the last round a delete is made whatever became of an earlier attempt: a listing has just shown it.
        let looksUp = change.kind == .delete && executor.hasListing && round != .last
        // Nothing tells whether the attempt of a killed process had its effect.
        if looksUp && round == .first && executor.resumption != nil && notes.putAside(entry) { return .made }
        let result: ChangeOutcome
        do {
            result = try await attempt(change, looksUp: looksUp)
        } catch {
            if error.kind == .stopped { return .stopped }
            throw error
        }
        if result.isPostponed {
            notes.note(result.attempts, for: entry)
            return .postponed
        }
        if looksUp && result.isUncertain && notes.putAside(entry) {
            notes.note(result.attempts, for: entry)
            return .made
        }
        if change.kind == .create && executor.hasListing && result.isUncertain && notes.putAside(entry, result) {
            return .notMade
        }
        try outcomes.add(notes.ended(entry, result, at: executor.tools.time.wall()))
        progress.count(result.outcome)
        guard result.outcome.isSuccess else { return .notMade }
        notes.note(success: change)
        return .made
    }

    private func attempt(_ change: Change, looksUp: Bool) async throws(APIError) -> ChangeOutcome {
        guard change.kind == .create else {
            return try await client.delete(
                change.association, shopper: token(of: change), repeatingUnknown: !looksUp, round: round)
        }
        let cart = try await makeCart(change)
        if let cart, cart.mustStop { return cart.result }
        var result = try await client.create(change.association, shopper: token(of: change), round: round)
        // The failure says too why the cart was not created.
        if let reason = cart?.result.message, !result.outcome.isSuccess {
            result.message = [result.message, reason].compactMap(\.self).joined(separator: "; ")
        }
        return result
    }
}
