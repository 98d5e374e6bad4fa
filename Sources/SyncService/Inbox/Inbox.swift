import DurableFiles
import ExportFiles

/// A folder that exports are put into, with the folders in it that they go through: `working/`, then `done/`,
/// `failed/`, `superseded/` or `waiting/`.
///
/// Exports move by renaming and the folders are forced to the disk after each move, so that a crash leaves every
/// export in exactly one of them. Nothing is overwritten.
struct Inbox: Sendable {
    /// The end of the name of an export's report folder.
    private static let reportEnding = ".report"

    /// The name of the folder of an export's report, beside it.
    static func report(of export: String) -> String { FileName.fitting(export, ending: reportEnding) }

    /// The files of a run's report that are copied beside its export, with the rejects of every format.
    static let reportFiles = ["report.json", "report.html", "results.csv"]
    static let rejectsPrefix = "rejects"

    let folder: String
    var rules = NameRules.everything
    /// Whether only the service itself fills it, and may make it.
    var isPrivate = false

    func path(_ place: InboxName.Folder) -> String { "\(folder)/\(place.rawValue)" }

    /// Creates the folders inside the inbox.
    ///
    /// Throws `InboxError` if the inbox itself is missing: an inbox that is not mounted is not an empty one.
    func prepare() throws(InboxError) {
        guard FolderCalls.exists(folder) else { throw .missing(folder) }
        for place in InboxName.Folder.allCases { try FolderCalls.create(path(place)) }
        try FolderCalls.synchronize(folder)
    }

    /// Makes the folders inside the inbox again that are gone, and a private inbox itself. Returns their names.
    ///
    /// Throws `InboxError` if the inbox is missing or they cannot be made.
    func heal() throws(InboxError) -> [String] {
        if isPrivate, !FolderCalls.exists(folder) { try makePrivate() }
        guard FolderCalls.exists(folder) else { throw .missing(folder) }
        let gone = InboxName.Folder.allCases.filter { !FolderCalls.exists(path($0)) }
        guard !gone.isEmpty else { return [] }
        for place in gone { try FolderCalls.create(path(place)) }
        try FolderCalls.synchronize(folder)
        return gone.map(\.rawValue)
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
        let (names, unreadable) = try FolderCalls.names(in: folder)
        var entries: [InboxEntry] = []
        for name in names {
            guard var entry = try FolderCalls.entry(name, in: folder) else { continue }
            // In an inbox that others fill a folder is no export, whatever its name is.
            if isPrivate, let set = try set(entry, in: folder) { entry = set }
            if rules.parts == .manifest, entry.kind == .regular, name.hasSuffix(NameRules.manifest) {
                entry.lists = ExportManifest.listed(in: "\(folder)/\(name)")
            }
            entries.append(entry)
        }
        return (entries, unreadable)
    }

    /// Moves an export with its companions into `working/`. Step claim of Tests/Model/protocol.pml.
    ///
    /// Returns nil if the file is no longer the one that was seen, or an export of its name is being worked on: then it
    /// stays in the inbox, and later looks will see it.
    func claim(_ entry: InboxEntry) throws(InboxError) -> ClaimedExport? {
        guard !FolderCalls.exists("\(path(.working))/\(entry.name)") else { return nil }
        if entry.isSet { return try claimSet(entry) }
        let checksum = try writeChecksum(of: entry.name)
        guard try take(entry, to: .working, as: entry.name) else {
            if let checksum { try? FolderCalls.remove(checksum) }
            return nil
        }
        try synchronize(.working)
        return ClaimedExport(name: entry.name, path: "\(path(.working))/\(entry.name)", isResumed: false)
    }

    /// Writes what a list of checksums in the inbox says of an export beside it where it is going, and the list does not.
    /// Returns the path; nil if no list has it, or it has a checksum of its own.
    ///
    /// - Parameter target: the folder; nil for `working/`.
    func writeChecksum(of name: String, to target: String? = nil) throws(InboxError) -> String? {
        let target = target ?? path(.working)
        let own = NameRules.checksums.map { name + $0 }
        guard
            !own.contains(where: {
                FolderCalls.exists("\(folder)/\($0)") || FolderCalls.exists("\(target)/\($0)")
            })
        else { return nil }
        for (list, ending) in zip(NameRules.checksumLists, NameRules.checksums) {
            guard let digest = ExportChecksum.listed(name, in: "\(folder)/\(list)") else { continue }
            let path = "\(target)/\(name)\(ending)"
            do throws(FileError) {
                try DurableFile.write("\(digest)  \(name)\n".utf8, to: path)
            } catch {
                throw InboxError(path, "written", code: error.code)
            }
            return path
        }
        return nil
    }

    /// Moves an export from the inbox; false if it is no longer the one that was seen, which is then left there.
    private func take(
        _ entry: InboxEntry, to place: InboxName.Folder, as name: String
    ) throws(InboxError) -> Bool {
        let target = path(place)
        // The companions go first: an export must never be in working/ without the manifest that it came with.
        try moveCompanions(of: entry.name, from: folder, to: target, as: name)
        do {
            try FolderCalls.move("\(folder)/\(entry.name)", to: "\(target)/\(name)")
        } catch  where error.isGone {
            return false
        }
        let isElsewhere = try FolderCalls.device(of: folder) != FolderCalls.device(of: target)
        if let taken = try FolderCalls.entry(name, in: target),
            taken.isSameFile(orCopyOf: entry, onAnotherDevice: isElsewhere)
        {
            return true
        }
        try moveCompanions(of: name, from: target, to: folder, as: entry.name)
        try FolderCalls.move("\(target)/\(name)", to: "\(folder)/\(entry.name)")
        return false
    }

    /// The exports in `working/`, the oldest first: their runs were interrupted.
    func unfinished() throws(InboxError) -> [ClaimedExport] {
        try exports(in: .working).map { claimed($0, isResumed: true) }
    }

    /// The exports in `waiting/`, the oldest first.
    func waiting() throws(InboxError) -> [InboxEntry] {
        try exports(in: .waiting)
    }

    /// Moves an export from `waiting/` back to `working/`, where the service finds and syncs it again; false if an export of
    /// its name is being worked on.
    @discardableResult
    func release(_ name: String) throws(InboxError) -> Bool {
        guard !FolderCalls.exists("\(path(.working))/\(name)") else { return false }
        try moveCompanions(of: name, from: path(.waiting), to: path(.working), as: name)
        try FolderCalls.move("\(path(.waiting))/\(name)", to: "\(path(.working))/\(name)")
        // The copy of the refused run's report; the report itself is in the state folder.
        try? FolderCalls.remove("\(path(.waiting))/\(Self.report(of: name))")
        try synchronize(.working)
        try synchronize(.waiting)
        return true
    }

    /// The name that an export has in the end.
    struct Finished: Sendable, Hashable {
        let name: String
        /// Why its report is not beside it; nil if it is, or there is none.
        let reportProblem: String?
    }

    /// Moves an export out of `working/`, its report before it. A name that is taken there gets a number.
    ///
    /// The reason is written beside the export, for a person who looks into the folder. A report that cannot be copied
    /// does not hold up its export.
    @discardableResult
    func finish(
        _ export: ClaimedExport, to place: InboxName.Folder, reason: String? = nil, report: String? = nil
    ) throws(InboxError) -> Finished {
        let folder = path(place)
        let name = freeName(export.name, in: place)
        var reportProblem: String?
        if reason != nil || report != nil {
            do {
                try writeReport(to: "\(folder)/\(Self.report(of: name))", reason: reason, from: report)
            } catch {
                reportProblem = "\(error)"
            }
        }
        try moveCompanions(of: export.name, from: path(.working), to: folder, as: name)
        try FolderCalls.move(export.path, to: "\(folder)/\(name)")
        try synchronize(place)
        try FolderCalls.synchronize(path(.working))
        return Finished(name: name, reportProblem: reportProblem)
    }

    /// The name that an export gets in a folder: one that neither an export nor a report has there.
    func freeName(_ name: String, in place: InboxName.Folder) -> String {
        let folder = path(place)
        return InboxName.free(name) { name in
            FolderCalls.exists("\(folder)/\(name)") || FolderCalls.exists("\(folder)/\(Self.report(of: name))")
        }
    }

    /// Moves snapshots that were never taken to `superseded/`. Returns those that were still as they had been seen.
    func supersede(_ entries: [InboxEntry]) throws(InboxError) -> [InboxEntry] {
        let target = path(.superseded)
        var moved: [InboxEntry] = []
        for entry in entries {
            let name = InboxName.free(entry.name) { FolderCalls.exists("\(target)/\($0)") }
            let isTaken =
                entry.isSet ? try takeSet(entry, to: .superseded, as: name) : try take(entry, to: .superseded, as: name)
            if isTaken { moved.append(entry) }
        }
        try synchronize(.superseded)
        return moved
    }

    /// Moves snapshots that wait for approval, with what lies beside them, to `superseded/`.
    func supersede(waiting entries: [InboxEntry]) throws(InboxError) {
        guard !entries.isEmpty else { return }
        let (from, target) = (path(.waiting), path(.superseded))
        for entry in entries {
            let name = freeName(entry.name, in: .superseded)
            let report = "\(from)/\(Self.report(of: entry.name))"
            if FolderCalls.exists(report) {
                try FolderCalls.move(report, to: "\(target)/\(Self.report(of: name))")
            }
            try moveCompanions(of: entry.name, from: from, to: target, as: name)
            try FolderCalls.move("\(from)/\(entry.name)", to: "\(target)/\(name)")
        }
        try synchronize(.superseded)
        try FolderCalls.synchronize(from)
    }

    private func exports(in place: InboxName.Folder) throws(InboxError) -> [InboxEntry] {
        var entries: [InboxEntry] = []
        for name in try FolderCalls.names(in: path(place)).names {
            guard !NameRules.isAlwaysLeftAlone(name), !rules.isCompanion(name),
                let entry = try FolderCalls.entry(name, in: path(place))
            else { continue }
            if let set = try set(entry, in: path(place)) {
                entries.append(set)
            } else if entry.kind == .regular {
                entries.append(entry)
            }
        }
        return entries.sorted(by: InboxEntry.isOlder)
    }

    func moveCompanions(
        of export: String, from source: String, to target: String, as name: String
    ) throws(InboxError) {
        let names = zip(rules.companions(of: export), rules.companions(of: name))
        for (old, new) in names where FolderCalls.exists("\(source)/\(old)") {
            let path = "\(target)/\(new)"
            try FolderCalls.move("\(source)/\(old)", to: path)
        }
    }

    /// Copies the report under another name, then renames it, so that it is there whole or not at all.
    private func writeReport(to target: String, reason: String?, from report: String?) throws {
        let unfinished = "\(target).part"
        try FolderCalls.remove(unfinished)
        // As the report itself: it says who has which cart.
        try FolderCalls.create(unfinished, permissions: 0o700)
        if let report {
            for name in try FolderCalls.names(in: report).names
            where Self.reportFiles.contains(name) || name.hasPrefix(Self.rejectsPrefix) {
                try FolderCalls.copy("\(report)/\(name)", to: "\(unfinished)/\(name)")
            }
        }
        if let reason { try DurableFile.write("\(reason)\n".utf8, to: "\(unfinished)/reason.txt", permissions: 0o666) }
        try FolderCalls.synchronize(unfinished)
        try FolderCalls.move(unfinished, to: target)
    }

    func synchronize(_ place: InboxName.Folder) throws(InboxError) {
        try FolderCalls.synchronize(path(place))
        try FolderCalls.synchronize(folder)
    }
}
