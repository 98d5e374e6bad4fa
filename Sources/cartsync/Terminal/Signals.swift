import CartAssociations
import Dispatch
import SyncEngine
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Turns SIGINT, SIGTERM and the loss of the terminal into a request to stop: the first asks, a later one ends the program
/// at once.
final class Signals {
    private var sources: [any DispatchSourceSignal] = []

    /// Starts listening, for as long as the value lives; `onFirst` runs once, on a queue of its own.
    init(_ numbers: [Int32] = [SIGINT, SIGTERM, SIGHUP], onFirst: @escaping @Sendable () -> Void) {
        let received = Mutex(ReceivedSignals())
        for number in numbers {
            // The default action ends the process before the source sees the signal.
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                switch received.withLock({ $0.receive(at: .now) }) {
                case .stop: onFirst()
                case .ignore: break
                case .endNow:
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

/// Decides what each signal asks for.
struct ReceivedSignals {
    enum Wish { case stop, ignore, endNow }

    /// Signals that come sooner after the first are the same one: timeout(1) and some terminals send it to the program and
    /// to its group.
    static let oneSignal = Duration.milliseconds(500)

    private var first: ContinuousClock.Instant?

    mutating func receive(at now: ContinuousClock.Instant) -> Wish {
        guard let first else {
            first = now
            return .stop
        }
        return now - first < Self.oneSignal ? .ignore : .endNow
    }
}
