import CallPacing
import ServiceLifecycle
import SyncEngine

/// Gives memory back that only the start of a service or a run needed: when it is ready, and whenever it has come to rest.
package struct MemoryAtRest: Service {
    private let turn: Turn
    private let time: TimeSource
    private let isReady: @Sendable () -> Bool
    private let giveBack: @Sendable () -> Void

    /// The time between two looks at a service that is not ready yet.
    static let firstLook = Duration.milliseconds(100)
    /// The time between two looks at one that is. What ended since the last one is over then, and so is the first look at the inboxes.
    static let interval = Duration.seconds(5)

    /// - Parameters:
    ///   - jobs: those whose runs end.
    ///   - giveBack: called when the service is ready, and once each time that it has come to rest.
    package init(of jobs: ServiceJobs, giveBack: @escaping @Sendable () -> Void) {
        self.init(turn: jobs.turn, time: jobs.session.time, isReady: { jobs.isPolling }, giveBack: giveBack)
    }

    init(
        turn: Turn, time: TimeSource, isReady: @escaping @Sendable () -> Bool, giveBack: @escaping @Sendable () -> Void
    ) {
        self.turn = turn
        self.time = time
        self.isReady = isReady
        self.giveBack = giveBack
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            // A run may begin at once, and what the start needed would stay beside what the run needs.
            while !isReady() { try await time.sleep(for: Self.firstLook) }
            giveBack()
            var turns: Int?
            while true {
                try await time.sleep(for: Self.interval)
                let taken = turn.taken
                guard turn.count == 0, taken != turns else { continue }
                turns = taken
                giveBack()
            }
        }
    }
}
