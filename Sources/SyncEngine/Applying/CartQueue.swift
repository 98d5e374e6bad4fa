import CartAssociations
import DequeModule
import Ledger
import Synchronization

/// The carts that have pending changes, handed out one at a time, in order; some thousands of them are read ahead.
final class CartQueue: Sendable {
    private static let ahead = 4096

    private struct State {
        var waiting: Deque<CartChanges> = []
        var last: CartID?
        var isExhausted = false
        var isClosed = false
        /// How many more changes may be handed out; nil for any number.
        var allowance: Int?
        var hasHandedOut = false
    }

    private let run: String
    private let ledger: Ledger
    private let state: Mutex<State>
    /// Locked while carts are read: none is read twice. Taking a cart does not wait for it.
    private let reading = Mutex(())

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
        state = Mutex(State(waiting: Deque(carts), isExhausted: true))
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Whether there was anything to do at all.
    var hasHandedOut: Bool { state.withLock { $0.hasHandedOut } }

    /// Hands out no further cart.
    func close() { state.withLock { $0.isClosed = true } }

    /// Hands out the rest without a limit.
    func lift() { state.withLock { $0.allowance = nil } }

    /// The next cart; nil if no cart is left, or the queue is closed, or its allowance is used.
    func next() throws -> CartChanges? {
        while true {
            let (cart, isOver) = state.withLock { state in
                if state.isClosed || state.allowance.map({ $0 <= 0 }) ?? false { return (CartChanges?.none, true) }
                let cart = state.waiting.popFirst()
                state.allowance? -= cart?.entries.count ?? 0
                if cart != nil { state.hasHandedOut = true }
                return (cart, cart == nil && state.isExhausted)
            }
            if cart != nil || isOver { return cart }
            try readAhead(whenBelow: 1)
        }
    }

    /// Reads further carts once half of those that were read ahead are taken.
    func readAhead() throws { try readAhead(whenBelow: Self.ahead / 2) }

    private func readAhead(whenBelow few: Int) throws {
        try reading.withLock { _ in
            let (last, isDue) = state.withLock { ($0.last, !$0.isExhausted && $0.waiting.count < few) }
            guard isDue else { return }
            let carts = try ledger.pendingCarts(of: run, after: last, limit: Self.ahead / 2)
            state.withLock { state in
                state.waiting.append(contentsOf: carts)
                state.last = carts.last?.cart ?? last
                state.isExhausted = carts.isEmpty
            }
        }
    }
}
