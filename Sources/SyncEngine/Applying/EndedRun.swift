package import SyncReporting

/// A run that has ended, done or not, with its report written.
package struct EndedRun: Sendable {
    package let report: RunReport
    /// The folder of the report and the run's files.
    package let folder: String
    /// The error that ended the run early; nil if no error did.
    package let failure: RunFailure?
}
