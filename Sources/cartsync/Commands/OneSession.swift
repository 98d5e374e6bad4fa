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
    ///   - files: the paths that the command names.
    ///   - usual: the values of settings that are not set anywhere.
    static func run(
        _ invocation: Invocation, isRun: Bool = true, files: [String] = [], usual: Settings = Settings(),
        adjust: (inout Settings) -> Void = { _ in }, _ work: (Session) async throws -> Ending
    ) async throws -> Ending {
        var loaded = try invocation.load(usual: usual)
        adjust(&loaded.settings)
        let files = files + [loaded.settings.run.ownerKeys.crosswalk].compactMap(\.self)
        if let handed = Handed.current {
            return try await handed.inTurn(loaded) { try await end(of: $0, isRun: isRun, work) }
        }
        if isRun, let ending = try await HandOver.toService(loaded, files: files) { return ending }
        let session: Session
        do {
            session = try Session.open(loaded, isReading: !isRun)
        } catch let held as Ending where held.status == .stoppedEarly && isRun {
            // A service that has just begun may not listen yet.
            try await Task.sleep(for: .milliseconds(300))
            guard let ending = try await HandOver.toService(loaded, files: files) else { throw held }
            return ending
        }
        let signals = signals { [store = session.store] in
            tellStop(callsInFlight: store.callsInFlight)
            store.stop.stop()
        }
        defer { withExtendedLifetime(signals) {} }
        let ending = try await session.onSchedule { try await end(of: session, isRun: isRun, work) }
        if isRun { session.tidy() }
        await session.close()
        return ending
    }

    /// Listens to the signals that stop a command; one that waits for an answer of a person ends at once.
    static func signals(stop: @escaping @Sendable () -> Void) -> Signals {
        Signals {
            if Terminal.isAsking {
                Terminal.message("")
                Cartsync.end(Ending(status: .stoppedEarly, summary: "nothing was written", next: TypedCommand.asTyped))
            }
            stop()
        }
    }

    /// Says that a command stops, and what it waits for.
    static func tellStop(callsInFlight calls: Int) {
        Terminal.message(
            "cartsync: stopping\(calls > 0 ? ": \(Count.text(calls, "call")) in flight" : ""); "
                + (Terminal.errorIsTerminal ? "Ctrl-C again ends at once" : "another signal ends at once"))
    }

    /// Does the work of a command, and says how it ended.
    private static func end(
        of session: Session, isRun: Bool, _ work: (Session) async throws -> Ending
    ) async throws -> Ending {
        do {
            return try await work(session)
        } catch let failure as RunFailure {
            let failed = Ending(failure)
            let run = MetricsFile.LastRun.failure(
                source: session.settings.source, exitStatus: failed.status, ended: Date())
            return (isRun ? session.writeMetrics(run) : nil) ?? failed
        } catch let early as Ending {
            return early
        }
    }
}
