import Ledger
import Synchronization

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
