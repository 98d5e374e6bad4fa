import CallPacing
import CartAssociations
import Foundation
import SyncEngine
import SyncReporting

/// One command with a store: settings, ledger and signals before, everything closed after.
enum OneSession {
    /// Does the work of a command and says how it ended.
    ///
    /// Throws the `Ending` that tells why the session cannot begin.
    ///
    /// - Parameters:
    ///   - isRun: whether the command makes a run, whose failure goes into the metrics file. Otherwise the ledger is only
    ///     read.
    ///   - usual: the values of settings that are not set anywhere.
    static func run(
        _ invocation: Invocation, isRun: Bool = true, usual: Settings = Settings(),
        adjust: (inout Settings) -> Void = { _ in }, _ work: (Session) async throws -> Ending
    ) async throws -> Ending {
        var loaded = try invocation.load(usual: usual)
        adjust(&loaded.settings)
        let session = try Session.open(loaded, isReading: !isRun)
        let signals = Signals { [store = session.store] in
            if Terminal.isAsking {
                Terminal.message("")
                Cartsync.end(Ending(status: .stoppedEarly, summary: "nothing was written", next: TypedCommand.asTyped))
            }
            let calls = store.callsInFlight
            Terminal.message(
                "cartsync: stopping\(calls > 0 ? ": \(Count.text(calls, "call")) in flight" : ""); "
                    + (Terminal.errorIsTerminal ? "Ctrl-C again ends at once" : "another signal ends at once"))
            store.stop.stop()
        }
        defer { withExtendedLifetime(signals) {} }
        let ending: Ending
        do {
            ending = try await session.onSchedule { try await work(session) }
        } catch let failure as RunFailure {
            let failed = Ending(failure)
            let run = MetricsFile.LastRun.failure(
                source: session.settings.source, exitStatus: failed.status, ended: Date())
            ending = (isRun ? session.writeMetrics(run) : nil) ?? failed
        } catch let early as Ending {
            ending = early
        }
        await session.close()
        return ending
    }
}
