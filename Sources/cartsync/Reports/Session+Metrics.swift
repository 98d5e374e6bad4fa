import CartAssociations
import Ledger
import SyncEngine
import SyncReporting

extension Session {
    /// Writes the metrics of a run if the settings name a file for them.
    ///
    /// - Returns: the ending of the command if they cannot be written.
    func writeMetrics(_ run: MetricsFile.LastRun) -> Ending? {
        guard let path = settings.metricsFile else { return nil }
        do {
            try run.write(to: path, ledger)
            return nil
        } catch {
            return Ending(
                status: .stateUnwritable, details: "cartsync: \(error)", summary: "report.metrics-file is not written",
                next: "set it to a file that can be written, then \(TypedCommand.asTyped)")
        }
    }
}
