package import CallPacing
import Dispatch
package import DurableFiles
import Foundation
package import Logging
package import SyncEngine
package import SyncReporting
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A command that a service does for a person beside it, with what goes to that person's terminal and comes from there.
///
/// Nothing here waits for the other process, questions and files apart: what it does not read is kept for it up to a limit,
/// and beyond that it counts as lost. A command whose process is lost is stopped.
package final class HandedCommand: Sendable {
    /// How long a question waits for its answer: the runs of the service's jobs wait meanwhile.
    private static let patience = Duration.seconds(600)
    /// The bytes that are kept for a process that does not read them.
    private static let mostBytes = 8 << 20
    /// How long a process may take to open a file, in seconds.
    private static let openSeconds = 20

    private struct State {
        /// The bytes of messages that are not sent yet.
        var unsent = 0
        /// The newest line of progress, if it is not sent yet.
        var progress: String?
        var isLost = false
        /// What came for the file that is waited for.
        var file: Result<Int32, SystemError>?
        var waitsForFile = false
    }

    package let request: CommandRequest
    /// Stops this command and its run alone.
    package let stop: StopSignal
    /// The number of the user who asks.
    let user: UInt32
    private let channel: ControlChannel
    private let jobs: ServiceJobs
    private let number: Int
    private let state = Mutex(State())
    private let writer: DispatchQueue
    private let opening = Mutex(())
    private let fileCame = DispatchSemaphore(value: 0)
    private let answers: AsyncStream<Bool>
    private let answered: AsyncStream<Bool>.Continuation

    /// - Parameter outer: stops this command too.
    init(
        _ request: CommandRequest, of user: UInt32, _ channel: ControlChannel, _ jobs: ServiceJobs,
        within outer: StopSignal
    ) {
        self.request = request
        self.user = user
        self.channel = channel
        self.jobs = jobs
        stop = StopSignal(within: outer)
        number = jobs.commands.enter(request.name, process: request.process)
        writer = DispatchQueue(label: "cartsync.command")
        (answers, answered) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: - What the command works with

    /// The service's store as this command works with it.
    ///
    /// - Parameter log: the log of its runs.
    package func session(log: Logger) -> StoreSession {
        let (commands, metrics, number) = (jobs.commands, jobs.metrics, number)
        var session = jobs.session.lent(until: stop) { tools in
            commands.begin(number, run: tools.run)
            metrics.begin(tools)
        }
        session.log = log
        return session
    }

    /// Does some work when it is this command's turn among the runs of the service, and tells the person who goes first.
    ///
    /// Throws `CancellationError` if it is stopped before its turn, or what the work throws.
    package func inTurn<Value>(_ work: () async throws -> Value) async throws -> Value {
        try await waitForTurn()
        defer {
            // A run that was only planned has no report.
            if let tools = jobs.metrics.running { jobs.metrics.addRest(of: tools) }
            jobs.commands.leave(number)
            jobs.turn.pass()
        }
        jobs.commands.takeTurn(number)
        return try await work()
    }

    private func waitForTurn() async throws {
        // The child task ends with this scope.
        async let _ = tellQueue()
        try await stop.cancelling { [turn = jobs.turn] in try await turn.take() }
    }

    private func tellQueue() async {
        var told: String?
        while (try? await jobs.session.time.sleep(for: .milliseconds(200), tolerance: .milliseconds(50))) != nil {
            guard let words = jobs.ahead(of: number), words.who != told else { continue }
            told = words.who
            message("cartsync: \(words.sentence)")
        }
    }

    /// Counts a run that has ended in the service's metrics.
    ///
    /// - Parameter isWhole: whether its report tells of this command's doing alone, and not of a run that was stopped before.
    package func count(_ run: MetricsFile.LastRun, isWhole: Bool) {
        guard let tools = jobs.metrics.running else { return }
        switch run {
        case .report(let report) where isWhole: jobs.metrics.count(report)
        case .report, .failure:
            jobs.metrics.countRun(of: run.source, exitStatus: run.exitStatus)
            jobs.metrics.addRest(of: tools)
        }
    }

    // MARK: - To the person's terminal

    package func output(_ bytes: [UInt8]) {
        for start in stride(from: 0, to: bytes.count, by: 1 << 16) {
            let piece = bytes[start..<min(start + 1 << 16, bytes.count)]
            post(.output(Data(piece)), bytes: piece.count)
        }
    }

    package func message(_ text: String) { post(.message(text), bytes: text.utf8.count) }

    /// Replaces the line of progress; one that was not sent yet never is.
    package func progress(_ text: String) {
        let isNew = state.withLock { state in
            defer { state.progress = text }
            return state.progress == nil && !state.isLost
        }
        guard isNew else { return }
        writer.async { [self] in
            guard let text = state.withLock({ $0.progress.take() }) else { return }
            if !channel.send(ServiceMessage.progress(text)) { lose() }
        }
    }

    /// Asks a yes-or-no question; no answer in time is no.
    package func ask(_ question: String) async -> Bool {
        post(.question(question), bytes: question.utf8.count)
        let answer = try? await stop.cancelling { [answers, time = jobs.session.time] in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for await answer in answers { return answer }
                    return false
                }
                group.addTask {
                    try await time.sleep(for: Self.patience)
                    return false
                }
                defer { group.cancelAll() }
                return try await group.next() ?? false
            }
        }
        return answer ?? false
    }

    /// Opens a file as the person may, from the person's working folder.
    package func open(_ path: String, followingLinks: Bool) -> Result<Int32, SystemError> {
        // Waits for an answer that comes at once; who does not give it is gone, and holds up nothing else for long.
        opening.withLock { _ in
            let isLost = state.withLock { state in
                state.waitsForFile = true
                return state.isLost
            }
            if !isLost {
                post(.open(path, followingLinks: followingLinks), bytes: path.utf8.count)
                if fileCame.wait(timeout: .now() + .seconds(Self.openSeconds)) == .timedOut { lose() }
            }
            return state.withLock { state in
                state.waitsForFile = false
                return state.file.take() ?? .failure(SystemError(EIO))
            }
        }
    }

    /// Says that a run begins to change the store.
    package func isApplying(_ run: String) { post(.applying(run: run), bytes: run.utf8.count) }

    /// Says how the command ended, and lets go of the person's process; returns when it was told, or soon if it does not
    /// listen.
    func finish(_ end: CommandEnd) async {
        jobs.commands.leave(number)
        let (told, teller) = AsyncStream.makeStream(of: Void.self)
        post(.end(end), bytes: 1024)
        writer.async { [self] in
            channel.end()
            teller.finish()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in told {} }
            group.addTask { [time = jobs.session.time] in try? await time.sleep(for: .seconds(2)) }
            await group.next()
            group.cancelAll()
        }
    }

    private func post(_ message: ServiceMessage, bytes: Int) {
        let fits = state.withLock { state in
            state.unsent += bytes
            return !state.isLost && state.unsent <= Self.mostBytes
        }
        guard fits else { return lose() }
        writer.async { [self] in
            if !channel.send(message) { lose() }
            state.withLock { $0.unsent -= bytes }
        }
    }

    // MARK: - From the person's process

    /// The person wants it to stop.
    func interrupt() {
        let isAtWork = jobs.commands.hasTurn(number)
        post(.stopping(callsInFlight: isAtWork ? jobs.session.callsInFlight : 0), bytes: 16)
        stop.stop()
    }

    func take(_ answer: Bool) { answered.yield(answer) }

    func take(file: Result<Int32, SystemError>) {
        let isWanted = state.withLock { state in
            guard state.waitsForFile, state.file == nil else { return false }
            state.file = file
            return true
        }
        if isWanted { fileCame.signal() } else if case .success(let descriptor) = file { close(descriptor) }
    }

    /// The process is gone, or does not read what it is sent.
    func lose() {
        let isFirst = state.withLock { state in
            defer { state.isLost = true }
            return !state.isLost
        }
        guard isFirst else { return }
        answered.finish()
        fileCame.signal()
        stop.stop()
        channel.end()
    }
}
