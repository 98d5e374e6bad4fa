import CallPacing
import CartAssociations
import Dispatch
import Ledger
import Synchronization

/// Outcomes on their way to the ledger, written together by time and number.
final class OutcomeBuffer: Sendable {
    private static let most = 500
    /// So many wait only if the disk is slower than the store: then the task that adds one writes them.
    private static let mostWaiting = 10_000
    /// With a late wake-up no outcome waits longer than 200 ms.
    private static let interval = Duration.milliseconds(170)

    private let ledger: Ledger
    private let time: TimeSource
    private let pending = Mutex<[JournalEntry]>([])
    /// What is being written, locked until it is: two writers keep the order. The two arrays take turns: one that
    /// grew anew for each transaction would keep the allocator busy.
    private let writing = Mutex<[JournalEntry]>([])
    private let first = Signal()
    private let due = Signal()
    private let queue = DispatchQueue(label: "outcomes")

    init(ledger: Ledger, time: TimeSource) {
        self.ledger = ledger
        self.time = time
    }

    /// Takes an entry that has ended.
    func add(_ entry: JournalEntry) throws {
        let count = pending.withLock { pending in
            pending.append(entry)
            return pending.count
        }
        if count >= Self.mostWaiting { return try flush() }
        if count == 1 { first.sender.yield() }
        if count >= Self.most { due.sender.yield() }
    }

    /// Step outcome of Tests/Model/protocol.pml.
    func flush() throws {
        try writing.withLock { writing in
            pending.withLock { pending in
                if writing.isEmpty { return swap(&pending, &writing) }
                // The last time failed.
                writing.append(contentsOf: pending)
                pending.removeAll()
            }
            try ledger.record(writing)
            try ledger.outdateOwnerKeys(of: Set(writing.compactMap(\.refusedOwner)))
            writing.removeAll(keepingCapacity: true)
        }
    }

    /// Writes what there is a while after the first of it came, and once there is enough, until the task is cancelled;
    /// does some more work of the disk after each time.
    func flushRegularly(then more: @escaping @Sendable () throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in self.first.received {
                    try? await self.time.sleep(for: Self.interval, tolerance: .milliseconds(20))
                    self.due.sender.yield()
                }
                self.due.sender.finish()
            }
            defer { group.cancelAll() }
            for await _ in due.received {
                try await time.blocking(on: queue) {
                    try self.flush()
                    try more()
                }
            }
        }
    }
}

extension JournalEntry {
    /// The owner, if the store may have refused the change because it does not know the owner: then a key does not stand for
    /// it any more.
    fileprivate var refusedOwner: OwnerID? {
        guard change.kind == .create, let outcome, outcome.status == 404 || outcome.status == 422 else { return nil }
        return change.association.owner.id
    }
}

/// Wakes one task; sent again before that has looked, it still wakes it once.
private struct Signal {
    let received: AsyncStream<Void>
    let sender: AsyncStream<Void>.Continuation

    init() {
        (received, sender) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }
}
