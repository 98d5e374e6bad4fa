package import SyncReporting

/// What one run is asked to do; the settings that it works by are read as its own members.
@dynamicMemberLookup
package struct RunOptions: Sendable {
    /// The command that was typed, for the ledger and the report.
    package var command: String
    /// Paths of the exports, `-` for standard input; together they are one snapshot.
    package var exports: [String]
    package var settings: RunSettings
    /// The settings that are no defaults, secrets redacted, for the report.
    package var used: [RunReport.SettingUsed] = []
    /// Carts that are worked on at the same time.
    package var concurrency: Int
    /// The limit in calls a second, for estimates and the report.
    package var rateLimit: Int
    /// Whether the associations outside the scope are listed, not only counted.
    package var listsUnmanaged = false
    /// A CSV without a final line end may have been cut between two records.
    package var missingFinalNewline: MissingFinalNewline
    /// When no further call is made.
    package var deadline: DeadlineMoment?
    /// The command that goes on with a run, for the report.
    package var resumeCommand: @Sendable (_ run: String) -> String = { "cartsync runs resume \($0)" }

    package enum MissingFinalNewline: Sendable {
        case refused
        /// The run makes no deletes and says so.
        case makesNoDeletes
    }

    package init(
        command: String, exports: [String], settings: RunSettings, missingFinalNewline: MissingFinalNewline,
        concurrency: Int, rateLimit: Int
    ) {
        self.command = command
        self.exports = exports
        self.settings = settings
        self.missingFinalNewline = missingFinalNewline
        self.concurrency = concurrency
        self.rateLimit = rateLimit
    }

    package subscript<Value>(dynamicMember path: WritableKeyPath<RunSettings, Value>) -> Value {
        get { settings[keyPath: path] }
        set { settings[keyPath: path] = newValue }
    }
}
