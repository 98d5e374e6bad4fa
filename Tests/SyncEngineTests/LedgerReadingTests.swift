import Foundation
import Synchronization
import Testing

@testable import SyncEngine

@Suite("A reading of the ledger beside the run")
struct LedgerReadingTests {
    private final class Progress: Sendable {
        let mayGoOn = DispatchSemaphore(value: 0)
        let rows = Atomic(0)
    }

    private struct Broken: Error {}

    /// A reading of three rows that goes on when it may.
    private func reading(_ progress: Progress) -> LedgerReading<Int> {
        LedgerReading { goesOn in
            progress.mayGoOn.wait()
            for _ in 0..<3 {
                try goesOn()
                progress.rows.add(1, ordering: .relaxed)
            }
            return progress.rows.load(ordering: .relaxed)
        }
    }

    @Test("gives what it found once, or throws what made it fail")
    func taken() throws {
        let progress = Progress()
        progress.mayGoOn.signal()
        let reading = reading(progress)
        #expect(try reading.take() == 3)
        #expect(try reading.take() == nil)
        #expect(throws: Broken.self) { try LedgerReading<Int> { _ in throw Broken() }.take() }
    }

    @Test("is over before the ledger is closed, whether or not somebody takes what it finds")
    func waited() {
        let progress = Progress()
        _ = reading(progress)
        progress.mayGoOn.signal()
        LedgerReadings.wait()
        #expect(progress.rows.load(ordering: .relaxed) == 3)
    }

    @Test("reads no further once it is stopped")
    func stopped() {
        let progress = Progress()
        let reading = LedgerReading<Int> { goesOn in
            while true {
                try goesOn()
                progress.rows.add(1, ordering: .relaxed)
                if progress.rows.load(ordering: .relaxed) == 1 { progress.mayGoOn.signal() }
            }
        }
        progress.mayGoOn.wait()
        reading.stop()
        let rows = progress.rows.load(ordering: .relaxed)
        LedgerReadings.wait()
        #expect(progress.rows.load(ordering: .relaxed) == rows)
    }
}
