import CartAssociations
import Ledger
import Synchronization

/// The carts that have pending changes, handed out one at a time; never more than a batch of them in memory.
final class CartQueue: Sendable {
    private static let batch = 256

    private struct State {
        var waiting: [CartChanges] = []
        var last: CartID?
        var isExhausted = false
        var isClosed = false
        /// How many more changes may be handed out; nil for any number.
        var allowance: Int?
    }

    private let run: String
    private let ledger: Ledger
    private let state: Mutex<State>

    /// - Parameter allowance: changes to hand out before `lift`, as far as they make whole carts; nil for all.
    init(run: String, ledger: Ledger, allowance: Int?) {
        self.run = run
        self.ledger = ledger
        state = Mutex(State(allowance: allowance))
    }

    /// A queue of these carts alone.
    init(of carts: [CartChanges], run: String, ledger: Ledger) {
        self.run = run
        self.ledger = ledger
        state = Mutex(State(waiting: carts.reversed(), isExhausted: true))
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Hands out no further cart.
    func close() { state.withLock { $0.isClosed = true } }

    /// Hands out the rest without a limit.
    func lift() { state.withLock { $0.allowance = nil } }

    func next() throws -> CartChanges? {
        try state.withLock { state in
            if state.isClosed { return nil }
            if let allowance = state.allowance, allowance <= 0 { return nil }
            if state.waiting.isEmpty && !state.isExhausted {
                // In reverse, so that the next one is taken from the end.
                state.waiting = try ledger.pendingCarts(of: run, after: state.last, limit: Self.batch).reversed()
                state.last = state.waiting.first?.cart ?? state.last
                state.isExhausted = state.waiting.isEmpty
            }
            let cart = state.waiting.popLast()
            state.allowance? -= cart?.entries.count ?? 0
            return cart
        }
    }
}
