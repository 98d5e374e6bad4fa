/// An export that the service has taken: it lies in `working/`, and nobody else touches it.
package struct ClaimedExport: Sendable, Hashable {
    /// Its name in the inbox.
    package let name: String
    /// Where it is now.
    package let path: String
    /// It was taken before, and its run was interrupted.
    package let isResumed: Bool

    package init(name: String, path: String, isResumed: Bool) {
        self.name = name
        self.path = path
        self.isResumed = isResumed
    }
}

/// How the run of an export ended. `report` is the folder of the run's report, where there is one.
package enum ExportVerdict: Sendable, Hashable {
    /// The export goes to `done/`.
    case done(report: String?)
    /// The export goes to `failed/`. The reason is a sentence that says what to do.
    case failed(reason: String, report: String?)
    /// A guard refused the plan: the export goes to `waiting/`, and back to be synced with `Inbox.release`.
    case waiting(reason: String, report: String?)
    /// The run can go on later: the export stays in `working/` and is synced again, at the latest after a restart.
    case interrupted(reason: String)
}
