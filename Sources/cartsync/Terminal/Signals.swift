import CartAssociations
import Dispatch
import SyncEngine
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Turns SIGINT, SIGTERM and the loss of the terminal into a request to stop: the first asks, the second ends the program at once.
final class Signals {
    private var sources: [any DispatchSourceSignal] = []

    /// Starts listening, for as long as the value lives; `onFirst` runs once, on a queue of its own.
    init(_ numbers: [Int32] = [SIGINT, SIGTERM, SIGHUP], onFirst: @escaping @Sendable () -> Void) {
        let received = SignalCount()
        for number in numbers {
            // The default action ends the process before the source sees the signal.
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if received.next() == 1 {
                    onFirst()
                } else {
                    Terminal.progress("")
                    Cartsync.end(
                        Ending(
                            status: .stoppedEarly, summary: "at once, without a report",
                            next: "run the same command again to go on"))
                }
            }
            source.resume()
            sources.append(source)
        }
    }

    /// Makes writing to a closed pipe and past a file size limit an error of the call instead of the end of the
    /// process.
    static func ignoreWriteSignals() {
        _ = signal(SIGPIPE, SIG_IGN)
        _ = signal(SIGXFSZ, SIG_IGN)
    }
}

private final class SignalCount: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
