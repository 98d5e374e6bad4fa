import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Turns SIGINT and SIGTERM into a request to stop: the first asks, the second ends the program at once.
final class Signals: Sendable {
    private let sources: Mutex<[any DispatchSourceSignal]> = Mutex([])
    private let count = Mutex(0)
    private let onFirst: @Sendable () -> Void

    /// Starts listening; `onFirst` runs once, on a queue of its own.
    init(onFirst: @escaping @Sendable () -> Void) {
        self.onFirst = onFirst
        for number in [SIGINT, SIGTERM] {
            // The default action ends the process before the source sees the signal.
            _ = unsafe signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in self?.received() }
            source.resume()
            sources.withLock { $0.append(source) }
        }
    }

    private func received() {
        let number = count.withLock { count in
            count += 1
            return count
        }
        if number == 1 {
            onFirst()
        } else {
            Terminal.message("cartsync: stopped at once; run the same command again to go on")
            exit(ExitStatus.stoppedEarly.rawValue)
        }
    }

    /// Makes writing to a closed pipe and past a file size limit an error of the call instead of the end of the
    /// process.
    static func ignoreWriteSignals() {
        _ = unsafe signal(SIGPIPE, SIG_IGN)
        _ = unsafe signal(SIGXFSZ, SIG_IGN)
    }
}
