/// An export that the service has taken: it lies in `working/`, and nothing else touches it.
struct ClaimedExport: Sendable, Hashable {
    /// What it is there.
    let entry: InboxEntry
    /// Where it is now, for messages and the ledger; the inbox opens it.
    let path: String
    /// Whether it was taken before and its run was interrupted.
    let isResumed: Bool

    init(_ entry: InboxEntry, path: String, isResumed: Bool) {
        self.entry = entry
        self.path = path
        self.isResumed = isResumed
    }

    /// Its name in the inbox.
    var name: String { entry.name }
    /// The names of its files in the folder that they are in, in their order.
    var parts: [String] { entry.isSet ? entry.parts.map(\.name) : [name] }
    /// The paths of its files.
    var files: [String] { entry.isSet ? parts.map { "\(path)/\($0)" } : [path] }
    /// What a run is given to read: the path of the manifest that lists the parts, or those of the files.
    var exports: [String] { entry.manifest.map { ["\(path)/\($0)"] } ?? files }
}

/// What becomes of an export when its run has ended.
struct ExportFate: Sendable, Hashable {
    /// The folder it goes to; `working` if its run can go on: it stays there and is synced again, at the latest after a
    /// restart.
    let place: InboxName.Folder
    /// A sentence that says what to do; nil if nothing is to be done.
    let reason: String?
    /// The folder of the run's report; nil if there is none.
    let report: String?
    /// The reason for the page and for probes, which name no owner; nil if that is the reason itself.
    var shownReason: String?
    /// Whether it counts as a failure of the job, which takes no export for a while after several.
    var countsForJob = true

    static func done(report: String?) -> ExportFate { ExportFate(place: .done, reason: nil, report: report) }

    static func failed(reason: String, report: String?) -> ExportFate {
        ExportFate(place: .failed, reason: reason, report: report)
    }

    /// A guard refused the plan, or a person stopped the run: a person decides how it goes on.
    static func waiting(reason: String, report: String?) -> ExportFate {
        ExportFate(place: .waiting, reason: reason, report: report)
    }

    /// It was not applied, since what the source applied before makes it void.
    static func superseded(reason: String) -> ExportFate {
        ExportFate(place: .superseded, reason: reason, report: nil)
    }

    /// - Parameters:
    ///   - shownReason: the reason for the page and for probes; nil if that is the reason itself.
    ///   - countsForJob: false if other exports may well be synced meanwhile.
    static func interrupted(reason: String, shownReason: String? = nil, countsForJob: Bool = true) -> ExportFate {
        ExportFate(
            place: .working, reason: reason, report: nil, shownReason: shownReason, countsForJob: countsForJob)
    }
}

/// What a job does with the exports of its inbox; the inbox service moves the files.
protocol ExportWork: Sendable {
    /// Called before each look at the inbox: may take exports that wait for a person back to work.
    func review()

    /// Notes the whole exports that a look at the inbox shows, as soon as they are seen.
    func see(_ entries: [InboxEntry])

    /// Whole exports in the order in which they are synced, the oldest first.
    func sorted(_ entries: [InboxEntry]) -> [InboxEntry]

    /// What an export says about the exports before it. Asked only if several exports are there, and never for one that is
    /// being synced.
    ///
    /// - Parameter place: the folder that it is in; nil for the inbox itself.
    func classify(_ entry: InboxEntry, in place: InboxName.Folder?) async -> ExportContent

    /// Syncs one export. It has to end soon after graceful shutdown, interrupted if it is not done.
    ///
    /// - Parameter began: called with the id of the run as soon as there is one.
    func run(_ export: ClaimedExport, began: @Sendable (String) -> Void) async -> ExportFate

    /// Removes a part of what earlier runs left and is no longer kept, in some milliseconds, while no run is under way.
    /// Returns whether there may be more.
    func tidy() -> Bool
}
