/// An export that the service has taken: it lies in `working/`, and nothing else touches it.
struct ClaimedExport: Sendable, Hashable {
    /// Its name in the inbox.
    let name: String
    /// Where it is now.
    let path: String
    /// Whether it was taken before and its run was interrupted.
    let isResumed: Bool
    /// The paths of the parts of an export in several files, in their order; empty for one file.
    var parts: [String] = []
    /// The path of the manifest that lists the parts; nil if their names say that they are parts.
    var manifest: String?

    /// The paths of its files.
    var files: [String] { parts.isEmpty ? [path] : parts }
    /// What a run is given to read.
    var exports: [String] { manifest.map { [$0] } ?? files }
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

    static func interrupted(reason: String) -> ExportFate {
        ExportFate(place: .working, reason: reason, report: nil)
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

    /// What the export with these files says about the exports before it. Asked only if several exports are there, and never
    /// for one that is being synced.
    func classify(_ files: [String]) async -> ExportContent

    /// Syncs one export. It has to end soon after graceful shutdown, interrupted if it is not done.
    ///
    /// - Parameter began: called with the id of the run as soon as there is one.
    func run(_ export: ClaimedExport, began: @Sendable (String) -> Void) async -> ExportFate
}
