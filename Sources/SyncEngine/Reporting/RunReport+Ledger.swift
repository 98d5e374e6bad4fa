package import CallPacing
import CartAssociations
import Foundation
package import Ledger
package import SyncReporting

extension RunReport {
    /// The report with what the journal knows, if that is more than what was written down: the process of the run was killed, or
    /// it goes on. Nothing is written.
    ///
    /// Throws `LedgerError` if the journal cannot be read.
    package func withJournal(_ ledger: Ledger, time: TimeSource) throws -> RunReport {
        guard let record = try ledger.run(run) else { return self }
        let counts = try ledger.counts(of: run)
        let known = counts.outcomes.values.reduce(0) { $0 + $1.values.reduce(0, +) }
        guard known > outcomes.done else { return self }
        let resumption = Resumption(
            run: record, ledger: ledger, resumed: .distantFuture, done: known, isLedgerUnchanged: true)
        let hidesOwners = settings.contains { $0.name == "report.redact" && $0.value == "true" }
        var journal = JournalReading(
            exports: exports.map(\.path),
            owners: hidesOwners ? .hidden(secret: ledger.fingerprintKey.bytes) : .shown, resumption: resumption,
            time: time)
        try journal.read(run: run, ledger: ledger, folder: nil)
        var report = self
        report.outcomes = journal.outcomes
        report.failures = journal.failures
        let nothing = LatencyRecorder(started: time.now(), wallClock: record.started)
        report.take(
            .init(
                journal.snapshot(before: nothing.snapshot()), rateLimit: rateLimit,
                ended: journal.lastEnded ?? ended))
        if record.state == .applying {
            report.verdict.words = "The run goes on; this is what is known of it until now."
        } else if report.outcomes.pending > 0 {
            report.verdict.words =
                "The run was ended in the middle; this is what the journal knows of it, without calls that were repeated."
        }
        return report
    }
}
