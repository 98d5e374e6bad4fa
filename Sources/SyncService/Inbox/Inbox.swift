import DurableFiles
import ExportFiles
import Ledger

/// A folder that exports are put into, with the folders in it that they go through: `working/`, then `done/`,
/// `failed/`, `superseded/` or `waiting/`.
///
/// Exports move by renaming and the folders are forced to the disk after each move, so that a crash leaves every
/// export in exactly one of them. Nothing is overwritten. Whoever may write the inbox gets no further than that: each
/// operation opens and checks the folders anew (`InboxFolders`) and works in those very folders.
struct Inbox: Sendable {
    /// The end of the name of an export's report folder.
    private static let reportEnding = ".report"

    /// The name of the folder of an export's report, beside it.
    static func report(of export: String) -> String { FileName.fitting(export, ending: reportEnding) }

    /// The files of a run's report that are beside its export too, with the rejects of every format.
    static let reportFiles = ["report.json", "report.html", "results.csv"]
    static let rejectsPrefix = "rejects"
    /// The file beside an export that says why it is there.
    static let reasonName = "reason.txt"

    var folder: String
    var rules = NameRules.everything
    /// Whether only the service itself fills it, and may make it.
    var isPrivate = false
    /// How long exports are kept that are over, with all that lies beside them; nil for ever.
    var keptFor: Duration?
    /// How long reports are kept beside exports, and how many in each folder; nil if none is removed.
    var keptReports: RunRetention?
    /// How many exports that are over are kept in each folder, at least 1; nil if none is removed.
    var keptExports: Int?

    /// The path of one of its folders, for messages.
    func path(_ place: InboxName.Folder) -> String { "\(folder)/\(place.rawValue)" }

    /// Makes the folders inside the inbox that are missing, and a private inbox itself.
    ///
    /// Throws `InboxError` if the inbox itself is missing, since an inbox that is not mounted is not an empty one, and if
    /// one of its folders is a link or another user's.
    ///
    /// - Returns: the names of those that are made, and of those that others could write until now.
    @discardableResult
    func heal() throws(InboxError) -> (made: [String], tightened: [String]) {
        if isPrivate, !FileSystem.exists(folder) { try makePrivate() }
        let folders = try InboxFolders(folder, making: true)
        return (folders.made, folders.tightened)
    }

    /// Whether the inbox is the root of a file system.
    func isMountPoint() throws(InboxError) -> Bool {
        try FolderCalls.device(of: folder) != FolderCalls.device(of: "\(folder)/..")
    }

    /// Creates an inbox that only the service itself fills, and the folders above it; other users cannot read it.
    func makePrivate() throws(InboxError) {
        try FolderCalls.create(FileSystem.folder(of: folder), permissions: 0o700)
        try FolderCalls.create(folder, permissions: 0o700)
    }

    /// Everything in the inbox now, and apart from it the names that are not UTF-8.
    func list() throws(InboxError) -> (entries: [InboxEntry], unreadable: [String]) {
        let inbox = try InboxFolders.open(folder)
        let (names, unreadable) = try FolderCalls.names(in: inbox)
        var entries: [InboxEntry] = []
        for name in names {
            guard var entry = try FolderCalls.entry(name, in: inbox) else { continue }
            // In an inbox that others fill a folder is no export, whatever its name is.
            if isPrivate, let set = try set(entry, in: inbox) { entry = set }
            if rules.parts == .manifest, entry.kind == .regular, name.hasSuffix(NameRules.manifest) {
                entry.lists = ExportManifest.listed(in: name, of: inbox)
            }
            entries.append(entry)
        }
        return (entries, unreadable)
    }

    /// Opens the files of an export for reading, and what lies beside them.
    ///
    /// Throws `InboxError`, and `ExportError` if one is a link, missing or not to be read.
    ///
    /// - Parameters:
    ///   - place: the folder that it is in; nil for the inbox itself.
    ///   - spoolFolder: the existing folder for temporary files.
    ///   - rule: by which it is refused if parts are missing.
    func open(
        _ entry: InboxEntry, in place: InboxName.Folder?, spoolFolder: String, rule: PartsRule = .off
    ) throws -> OpenedExports {
        let folders = try InboxFolders(folder)
        let folder = place.map { folders[$0] } ?? folders.inbox
        guard entry.isSet else {
            return try OpenedExports([entry.name], in: folder, spoolFolder: spoolFolder, rule: rule)
        }
        // Parts that others put into the inbox are gathered when they are taken.
        let parts = place != nil || isPrivate ? try FolderCalls.below(entry.name, in: folder) : folder
        return try OpenedExports(
            entry.manifest.map { [$0] } ?? entry.parts.map(\.name), in: parts,
            spoolFolder: spoolFolder, rule: rule)
    }

    /// Moves an export with its companions into `working/`. Step claim of Tests/Model/protocol.pml.
    ///
    /// Returns nil if the file is no longer the one that was seen, or an export of its name is being worked on: then it
    /// stays in the inbox, and later looks will see it.
    func claim(_ entry: InboxEntry) throws(InboxError) -> ClaimedExport? {
        let folders = try InboxFolders(folder)
        guard !folders[.working].exists(entry.name) else { return nil }
        if entry.isSet { return try claimSet(entry, folders) }
        let checksum = try writeChecksum(of: entry.name, in: folders.inbox, to: folders[.working])
        guard let taken = try take(entry, folders, to: .working, as: entry.name) else {
            if let checksum { try? FolderCalls.remove(checksum, in: folders[.working]) }
            return nil
        }
        try folders.synchronize(.working)
        return ClaimedExport(taken, path: folders[.working].path(of: taken.name), isResumed: false)
    }

    /// Writes what a list of checksums in the inbox says of an export beside it where it is going, and the list does not.
    /// Returns its name; nil if no list has it, or it has a checksum of its own.
    func writeChecksum(
        of name: String, in inbox: OpenFolder, to target: OpenFolder
    ) throws(InboxError) -> String? {
        let own = NameRules.checksums.map { FileName.beside(name, $0) }
        guard !own.contains(where: { inbox.exists($0) || target.exists($0) }) else { return nil }
        for (list, ending) in zip(NameRules.checksumLists, NameRules.checksums) {
            // A link is no list: the page says that it is passed over.
            guard let file = try? OpenFile(list, in: inbox, for: .readingNoLink),
                let digest = ExportChecksum.listed(name, in: file)
            else { continue }
            let checksum = FileName.beside(name, ending)
            try FolderCalls.write("\(digest)  \(name)\n", to: checksum, in: target)
            return checksum
        }
        return nil
    }

    /// Moves an export from the inbox and returns what it is there; nil if it is no longer the one that was seen, which is
    /// then left in the inbox.
    private func take(
        _ entry: InboxEntry, _ folders: InboxFolders, to place: InboxName.Folder, as name: String
    ) throws(InboxError) -> InboxEntry? {
        let (inbox, target) = (folders.inbox, folders[place])
        // The companions go first: an export must never be in working/ without the manifest that it came with.
        try moveCompanions(of: entry.name, from: inbox, to: target, as: name)
        do {
            try FolderCalls.move(entry.name, from: inbox, to: target, as: name)
        } catch  where error.isGone {
            return nil
        }
        let isElsewhere = try FolderCalls.status(of: inbox).device != FolderCalls.status(of: target).device
        if let taken = try FolderCalls.entry(name, in: target),
            taken.isSameFile(orCopyOf: entry, onAnotherDevice: isElsewhere)
        {
            return taken
        }
        try moveCompanions(of: name, from: target, to: inbox, as: entry.name)
        try FolderCalls.move(name, from: target, to: inbox, as: entry.name)
        return nil
    }

    /// The exports in `working/`, the oldest first: their runs were interrupted.
    func unfinished() throws(InboxError) -> [ClaimedExport] {
        let working = try InboxFolders(folder)[.working]
        return try exports(in: working).map {
            ClaimedExport($0, path: working.path(of: $0.name), isResumed: true)
        }
    }

    /// The exports in `waiting/`, the oldest first.
    func waiting() throws(InboxError) -> [InboxEntry] {
        try exports(in: try InboxFolders(folder)[.waiting])
    }

    /// What lies in one of the folders, with the reasons.
    func lying(in place: InboxName.Folder) throws(InboxError) -> LyingExports {
        let folder = try InboxFolders(folder)[place]
        return LyingExports(try exports(in: folder), in: folder)
    }

    /// Moves an export from `waiting/` back to `working/`, where the service finds and syncs it again; false if an export of
    /// its name is being worked on.
    @discardableResult
    func release(_ name: String) throws(InboxError) -> Bool {
        let folders = try InboxFolders(folder)
        let (waiting, working) = (folders[.waiting], folders[.working])
        guard !working.exists(name) else { return false }
        // That of the refused run; the report itself is in the state folder. First, so that none is left without its export.
        try? FolderCalls.remove(Self.report(of: name), in: waiting)
        try moveCompanions(of: name, from: waiting, to: working, as: name)
        try FolderCalls.move(name, from: waiting, to: working, as: name)
        try folders.synchronize(.working)
        try folders.synchronize(.waiting)
        return true
    }

    /// The name that an export has in the end.
    struct Finished: Sendable, Hashable {
        let name: String
        /// Why its report is not beside it; nil if it is, or there is none.
        let reportProblem: String?
    }

    /// Moves an export out of `working/`. A name that is taken there gets a number.
    ///
    /// Its report is made before, and gets its name after, so that none is ever there without an export.
    /// The reason is written beside the export, for a person who looks into the folder. A report that cannot be put there
    /// does not hold up its export.
    @discardableResult
    func finish(
        _ export: ClaimedExport, to place: InboxName.Folder, reason: String? = nil, report: String? = nil
    ) throws(InboxError) -> Finished {
        let folders = try InboxFolders(folder)
        let (working, target) = (folders[.working], folders[place])
        let name = freeName(export.name, in: target, from: working)
        var reportProblem: String?
        func trying(_ step: () throws(InboxError) -> Void) {
            guard reason != nil || report != nil, reportProblem == nil else { return }
            do throws(InboxError) { try step() } catch { reportProblem = "\(error)" }
        }
        trying { () throws(InboxError) in try makeReport(of: name, in: target, reason: reason, from: report) }
        try moveCompanions(of: export.name, from: working, to: target, as: name)
        try FolderCalls.move(export.name, from: working, to: target, as: name)
        trying { () throws(InboxError) in
            try nameReport(of: name, in: target)
            try removeOldReports(in: target)
        }
        // What cannot be removed now is so after the next one.
        try? removeOldExports(in: target, place)
        try folders.synchronize(place)
        try FolderCalls.synchronize(working)
        return Finished(name: name, reportProblem: reportProblem)
    }

    /// Removes the oldest exports beyond those that are kept, with all that lies beside them.
    private func removeOldExports(in folder: OpenFolder, _ place: InboxName.Folder) throws(InboxError) {
        guard let keptExports, [.done, .failed, .superseded].contains(place) else { return }
        for export in try exports(in: folder).dropLast(keptExports) { try remove(export, in: folder) }
    }

    /// Removes an export that is over with its report and its companions; it goes last, so that nothing is left without it.
    private func remove(_ export: InboxEntry, in folder: OpenFolder) throws(InboxError) {
        for name in [Self.report(of: export.name)] + rules.companions(of: export.name) + [export.name]
        where folder.exists(name) {
            try FolderCalls.remove(name, in: folder)
        }
    }

    /// Removes the oldest reports beyond those that are kept; their exports stay.
    private func removeOldReports(in folder: OpenFolder) throws(InboxError) {
        guard let most = keptReports?.most else { return }
        let names = try FolderCalls.names(in: folder).names.filter { $0.hasSuffix(Self.reportEnding) }
        guard names.count > most else { return }
        for report in try reports(names, in: folder).dropLast(most) {
            try FolderCalls.remove(report.name, in: folder)
        }
    }

    /// The folders of reports among some names, the oldest first.
    private func reports(_ names: [String], in folder: OpenFolder) throws(InboxError) -> [InboxEntry] {
        var reports: [InboxEntry] = []
        for name in names where name.hasSuffix(Self.reportEnding) {
            if let entry = try FolderCalls.entry(name, in: folder), entry.kind == .folder { reports.append(entry) }
        }
        return reports.sorted(by: InboxEntry.isOlder)
    }

    /// Removes what is in `done/`, `failed/` and `superseded/` for longer than it is kept: exports, and the reports of runs that are
    /// no longer kept.
    ///
    /// - Parameter now: the time since 1970.
    func removeOld(now: Duration) throws(InboxError) {
        guard keptFor != nil || keptReports != nil else { return }
        let folders = try InboxFolders(folder)
        for place in [InboxName.Folder.done, .failed, .superseded] {
            let folder = folders[place]
            if let keptFor {
                for export in try exports(in: folder)
                where try Self.arrival(of: export.name, in: folder).map({ $0 + keptFor < now }) ?? false {
                    try remove(export, in: folder)
                }
            }
            if let age = keptReports?.age {
                let names = try FolderCalls.names(in: folder).names
                for report in try reports(names, in: folder) where report.modified + age < now {
                    try FolderCalls.remove(report.name, in: folder)
                }
            }
        }
    }

    /// When an export came into its folder, or later; nil if it is gone. Its own time is that of its contents.
    private static func arrival(of export: String, in folder: OpenFolder) throws(InboxError) -> Duration? {
        var times: [Duration] = []
        for name in [export, report(of: export)] {
            let status = try FolderCalls.doing("looked at", folder.path(of: name)) { () throws(FileError) in
                try folder.status(of: name)
            }
            if let status { times += [status.changed, status.modified] }
        }
        return times.max()
    }

    /// The name that an export in `working/` gets in a folder: one that neither an export nor a report has there, and under
    /// which nothing lies that comes with it.
    ///
    /// Throws `InboxError` if the folder cannot be looked at.
    func freeName(_ name: String, in place: InboxName.Folder) throws(InboxError) -> String {
        let folders = try InboxFolders(folder)
        return freeName(name, in: folders[place], from: folders[.working])
    }

    func freeName(_ name: String, in folder: OpenFolder, from source: OpenFolder) -> String {
        let companions = rules.companions(of: name).map { source.exists($0) }
        return InboxName.free(name) { name in
            if folder.exists(name) || folder.exists(Self.report(of: name)) { return true }
            // Of an export that was taken away.
            return zip(companions, rules.companions(of: name)).contains { $0 && folder.exists($1) }
        }
    }

    /// Moves snapshots that were never taken to `superseded/`. Returns those that were still as they had been seen.
    func supersede(_ entries: [InboxEntry]) throws(InboxError) -> [InboxEntry] {
        let folders = try InboxFolders(folder)
        var moved: [InboxEntry] = []
        for entry in entries {
            let name = freeName(entry.name, in: folders[.superseded], from: folders.inbox)
            let isTaken =
                entry.isSet
                ? try takeSet(entry, folders, to: .superseded, as: name)
                : try take(entry, folders, to: .superseded, as: name) != nil
            if isTaken { moved.append(entry) }
        }
        try? removeOldExports(in: folders[.superseded], .superseded)
        try folders.synchronize(.superseded)
        return moved
    }

    /// Moves snapshots that wait for approval, with what lies beside them, to `superseded/`.
    func supersede(waiting entries: [InboxEntry]) throws(InboxError) {
        guard !entries.isEmpty else { return }
        let folders = try InboxFolders(folder)
        let (waiting, target) = (folders[.waiting], folders[.superseded])
        for entry in entries {
            let name = freeName(entry.name, in: target, from: waiting)
            let report = Self.report(of: entry.name)
            let hasReport = waiting.exists(report)
            if hasReport {
                let unfinished = FolderCalls.unfinished(Self.report(of: name))
                try FolderCalls.remove(unfinished, in: target)
                try FolderCalls.move(report, from: waiting, to: target, as: unfinished)
            }
            try moveCompanions(of: entry.name, from: waiting, to: target, as: name)
            try FolderCalls.move(entry.name, from: waiting, to: target, as: name)
            if hasReport { try nameReport(of: name, in: target) }
        }
        try folders.synchronize(.superseded)
        try FolderCalls.synchronize(waiting)
    }

    func exports(in folder: OpenFolder) throws(InboxError) -> [InboxEntry] {
        var entries: [InboxEntry] = []
        for name in try FolderCalls.names(in: folder).names {
            guard !NameRules.isAlwaysLeftAlone(name), !rules.isCompanion(name),
                let entry = try FolderCalls.entry(name, in: folder)
            else { continue }
            if let set = try set(entry, in: folder) {
                entries.append(set)
            } else if entry.kind == .regular {
                entries.append(entry)
            }
        }
        return entries.sorted(by: InboxEntry.isOlder)
    }

    func moveCompanions(
        of export: String, from source: OpenFolder, to target: OpenFolder, as name: String
    ) throws(InboxError) {
        let names = zip(rules.companions(of: export), rules.companions(of: name))
        for (old, new) in names where source.exists(old) {
            try FolderCalls.move(old, from: source, to: target, as: new)
        }
    }

    /// Puts the report of an export together under another name, which `nameReport` takes from it.
    private func makeReport(
        of export: String, in folder: OpenFolder, reason: String?, from report: String?
    ) throws(InboxError) {
        let unfinished = FolderCalls.unfinished(Self.report(of: export))
        try FolderCalls.remove(unfinished, in: folder)
        // As the report itself: it says who has which cart.
        let beside = try FolderCalls.doing("created", folder.path(of: unfinished)) { () throws(FileError) in
            try folder.makeFolder(unfinished, permissions: 0o700)
        }
        do throws(InboxError) {
            if let report {
                let report = try FolderCalls.open(report)
                for name in try FolderCalls.names(in: report).names
                where Self.reportFiles.contains(name) || name.hasPrefix(Self.rejectsPrefix) {
                    try FolderCalls.share(name, from: report, to: beside)
                }
            }
            if let reason { try FolderCalls.write("\(reason)\n", to: Self.reasonName, in: beside) }
            try FolderCalls.synchronize(beside)
        } catch {
            // Half a report is of no use, and the disk may be full.
            try? FolderCalls.remove(unfinished, in: folder)
            throw error
        }
    }

    /// Gives the report its name, once its export is there.
    func nameReport(of export: String, in folder: OpenFolder) throws(InboxError) {
        let report = Self.report(of: export)
        try FolderCalls.move(FolderCalls.unfinished(report), from: folder, to: folder, as: report)
    }
}
