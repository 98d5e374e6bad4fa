import CallPacing
import CartAssociations
import Foundation
import SyncEngine
import SyncReporting

/// One command with a store: settings, ledger and signals before, everything closed after.
enum OneSession {
    /// Does the work of a command and throws how it ended.
    ///
    /// - Parameters:
    ///   - again: the command as it was typed, to be typed again.
    ///   - isRun: whether the command makes a run, of which a failure is to be told.
    static func run(
        _ flags: [[String: String]], config: String?, again: String, isRun: Bool = true,
        usual: Settings = Settings(),
        adjust: (inout Settings) -> Void = { _ in }, _ work: (Session) async throws -> Ending
    ) async throws {
        let loaded = try await Invocation.load(flags, config: config, usual: usual, adjust: adjust)
        let session = try Session.open(loaded)
        let signals = Signals { [stop = session.stop] in
            if Terminal.isAsking {
                Terminal.message("")
                Cartsync.end(Ending(status: .stoppedEarly, summary: "nothing was written", next: again))
            }
            stop.stop()
        }
        defer { withExtendedLifetime(signals) {} }
        let ending: Ending
        do {
            ending = try await session.onSchedule { try await work(session) }
        } catch let failure as RunFailure {
            let failed = Ending(failure, again: again)
            let run = MetricsFile.LastRun.failure(
                source: session.settings.source, exitStatus: failed.status, ended: Date())
            ending = (isRun ? session.writeMetrics(run, again: again) : nil) ?? failed
        } catch let early as Ending {
            ending = early
        }
        await session.close()
        throw ending
    }
}
