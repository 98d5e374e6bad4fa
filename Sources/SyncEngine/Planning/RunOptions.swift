import CartAssociations
package import ExportFiles
import Ledger
package import SyncReporting

/// What one run is asked to do; the settings that it works by are read as its own members.
@dynamicMemberLookup
package struct RunOptions: Sendable {
    /// Memory for fingerprints before they spill, in bytes.
    static let fingerprintBudget = 4 << 20

    /// The command that was typed, for the ledger and the report.
    var command: String
    /// Paths of the exports, `-` for standard input; together they are one snapshot.
    package var exports: [String]
    /// The exports, if they are open already: what is at their paths is not looked at.
    package var openExports: OpenedExports?
    var settings: RunSettings
    /// The time that counts for the order of the exports, since 1970; nil lets them tell themselves.
    package var exportTime: Duration?
    /// The settings that are no defaults, secrets redacted, for the report.
    package var used: [RunReport.SettingUsed] = []
    /// Carts that are worked on at the same time.
    var concurrency: Int
    /// The limit in calls a second, for estimates and the report.
    package var rateLimit: Int
    /// Whether the associations outside the scope are listed, not only counted.
    package var listsUnmanaged = false
    /// As many deletes as doubt withholds are made if a person allowed this number for the run.
    package var allowedDoubtfulDeletes: Int?
    /// A CSV without a final line end may have been cut between two records.
    package var missingFinalNewline = MissingFinalNewline.makesNoDeletes
    /// When no further call is made.
    package var deadline: DeadlineMoment?
    /// The words of the command that resumes a run, before the run's id, for the report.
    package var resumeCommand = ["cartsync", "runs", "resume"]

    package enum MissingFinalNewline: Sendable {
        case refused
        /// The run makes no deletes, with a warning.
        case makesNoDeletes
    }

    /// - Parameters:
    ///   - concurrency: carts that are worked on at the same time.
    ///   - rateLimit: in calls a second.
    package init(command: String, exports: [String], settings: RunSettings, concurrency: Int, rateLimit: Int) {
        self.command = command
        self.exports = exports
        self.settings = settings
        self.concurrency = concurrency
        self.rateLimit = rateLimit
    }

    package subscript<Value>(dynamicMember path: WritableKeyPath<RunSettings, Value>) -> Value {
        get { settings[keyPath: path] }
        set { settings[keyPath: path] = newValue }
    }

    /// The command that resumes a run, ready for a shell.
    func resumeCommand(of run: String) -> String {
        (resumeCommand + [run]).map(ShellWord.quoted).joined(separator: " ")
    }

    /// Takes what a saved plan has settled already: what is compared and deleted, and what a person allowed.
    mutating func take(_ plan: SavedPlan) {
        exports = plan.exports.map(\.path)
        settings.source = plan.view.source
        settings.scope = plan.view.scope
        settings.planGuard.approvedDeletes = settings.planGuard.approvedDeletes ?? plan.approvedDeletes
        settings.planGuard.allowEmpty = settings.planGuard.allowEmpty || plan.allowEmpty
        let settled = ["sync.", "mapping.", "export."]
        func isSettled(_ setting: RunReport.SettingUsed) -> Bool { settled.contains { setting.name.hasPrefix($0) } }
        used = used.filter { !isSettled($0) } + plan.settings.filter(isSettled)
    }
}
