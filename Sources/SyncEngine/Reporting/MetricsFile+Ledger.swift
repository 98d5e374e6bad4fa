import CartAssociations
package import Ledger
package import SyncReporting

extension MetricsFile.LastRun {
    /// Writes the metrics of the run into a file, with the time of the last success that the ledger knows.
    ///
    /// Throws `LedgerError` or `FileError`.
    package func write(to path: String, _ ledger: Ledger) throws {
        try MetricsFile.write(self, lastSuccess: try ledger.lastSuccess(of: source), to: path)
    }
}
