import CallPacing
import Foundation

/// The time of a world: it stands while anything can run, and then goes on to what is due next.
@safe final class Timeline: @unchecked Sendable {
    private enum Entry {
        case event(() -> Void)
        /// Something of the process that runs now, which wakes.
        case sleeper(Int)
    }

    /// What has passed since the beginning of the world.
    private(set) var now = Duration.zero
    /// By time, those of one instant in the order of their coming.
    private var entries: [(at: Duration, entry: Entry)] = []
    private var sleepers: [Int: UnsafeContinuation<Void, any Error>] = unsafe [:]
    private var lastTicket = 0
    /// Told each look at a clock: the moments between two lines of code.
    var looks: (() -> Void)?

    private static let start = ContinuousClock.now
    /// Friday, 27 November 2026, noon.
    private static let date = Date(timeIntervalSince1970: 1_795_780_800)

    var date: Date { Self.date.addingTimeInterval(now / .seconds(1)) }

    /// The clocks as the program takes them.
    var time: TimeSource {
        TimeSource(
            now: {
                self.looks?()
                return Self.start + self.now
            },
            wall: {
                self.looks?()
                return self.date
            }, wake: { instant, _ in try await self.sleep(until: instant - Self.start) }, isSimulated: true)
    }

    /// Has something happen at a time, whatever process runs then.
    func add(at time: Duration, _ event: @escaping () -> Void) { insert(max(time, now), .event(event)) }

    /// Goes on to what is due next, and does it; false if nothing is due, or not until then.
    func advance(until end: Duration = .seconds(1 << 40)) -> Bool {
        guard let next = entries.first, next.at <= end else { return false }
        entries.removeFirst()
        now = max(now, next.at)
        switch next.entry {
        case .event(let event): event()
        case .sleeper(let ticket): unsafe sleepers.removeValue(forKey: ticket)?.resume()
        }
        return true
    }

    /// Goes on to a time, with no process there.
    func pass(until time: Duration) {
        while advance(until: time) {}
        now = max(now, time)
    }

    /// Lets nobody wake who sleeps now.
    func drop() {
        unsafe sleepers.removeAll()
        entries.removeAll { if case .sleeper = $0.entry { true } else { false } }
    }

    func sleep(for duration: Duration) async throws { try await sleep(until: now + duration) }

    private func sleep(until due: Duration) async throws {
        guard due > now else { return try Task.checkCancellation() }
        lastTicket += 1
        let ticket = lastTicket
        try await withTaskCancellationHandler {
            try await unsafe withUnsafeThrowingContinuation { (sleeper: UnsafeContinuation<Void, any Error>) in
                if Task.isCancelled { return unsafe sleeper.resume(throwing: CancellationError()) }
                unsafe self.sleepers[ticket] = sleeper
                self.insert(due, .sleeper(ticket))
            }
        } onCancel: {
            guard let sleeper = unsafe self.sleepers.removeValue(forKey: ticket) else { return }
            self.entries.removeAll { if case .sleeper(ticket) = $0.entry { true } else { false } }
            unsafe sleeper.resume(throwing: CancellationError())
        }
    }

    private func insert(_ time: Duration, _ entry: Entry) {
        entries.insert((time, entry), at: entries.firstIndex { $0.at > time } ?? entries.count)
    }
}
