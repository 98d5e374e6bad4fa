import CartAssociations
import DurableFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An inbox and its own folders, open and checked: what is moved by them stays in them, wherever their names lead meanwhile.
///
/// Each folder was opened without following a link, belongs to the service's user or root, and nobody else may write it.
/// Who may write the inbox itself can put something else under the name of one of them: that is found here, before
/// anything is moved.
struct InboxFolders: Sendable {
    let inbox: OpenFolder
    /// The names of those that were missing and are made.
    private(set) var made: [String] = []
    /// The names of those that others could write, and can no longer.
    private(set) var tightened: [String] = []
    private var places: [InboxName.Folder: OpenFolder] = [:]

    /// Opens the inbox and its folders.
    ///
    /// Throws `InboxError` if the inbox is missing, or one of the folders is missing, a link, or another user's.
    ///
    /// - Parameter making: whether folders that are missing are made.
    init(_ path: String, making: Bool = false) throws(InboxError) {
        inbox = try Self.open(path)
        let mode = try FolderCalls.status(of: inbox).permissions
        for place in InboxName.Folder.allCases {
            places[place] = try open(place, making: making, groupReads: mode & 0o050 == 0o050)
        }
        if !made.isEmpty { try FolderCalls.synchronize(inbox) }
    }

    /// Opens the inbox alone; throws `InboxError` if it is missing.
    static func open(_ path: String) throws(InboxError) -> OpenFolder {
        do {
            return try FolderCalls.open(path)
        } catch {
            throw error.isGone ? .missing(path) : error
        }
    }

    subscript(place: InboxName.Folder) -> OpenFolder {
        guard let folder = places[place] else { preconditionFailure("every folder is opened at the beginning") }
        return folder
    }

    /// Forces the names in one of the folders to the disk, and those in the inbox.
    func synchronize(_ place: InboxName.Folder) throws(InboxError) {
        try FolderCalls.synchronize(self[place])
        try FolderCalls.synchronize(inbox)
    }

    private mutating func open(
        _ place: InboxName.Folder, making: Bool, groupReads: Bool
    ) throws(InboxError) -> OpenFolder {
        let name = place.rawValue
        let path = inbox.path(of: name)
        guard let entry = try FolderCalls.entry(name, in: inbox) else {
            guard making else { throw .gone(path) }
            made.append(name)
            // The group of the inbox sees what became of its exports; what is being worked on is the service's own.
            let permissions: UInt16 = groupReads && place != .working ? 0o750 : 0o700
            return try FolderCalls.doing("created", path) { () throws(FileError) in
                try inbox.makeFolder(name, permissions: permissions)
            }
        }
        guard entry.kind == .folder else { throw .turned(path, "is a \(entry.kind.rawValue)") }
        let folder = try FolderCalls.doing("opened", path) { () throws(FileError) in try inbox.folder(name) }
        try check(folder, name)
        return folder
    }

    private mutating func check(_ folder: OpenFolder, _ name: String) throws(InboxError) {
        let user = geteuid()
        var status = try FolderCalls.status(of: folder)
        if status.owner == user, !status.isWritable(onlyBy: user) {
            // It is the service's own: nobody but the service has to be able to write it.
            try FolderCalls.doing("closed to others", folder.path) { () throws(FileError) in
                try folder.setPermissions(status.permissions & 0o755)
            }
            tightened.append(name)
            status = try FolderCalls.status(of: folder)
        }
        guard status.owner == user || status.owner == 0 else {
            throw .turned(folder.path, "belongs to another user, number \(status.owner)")
        }
        guard status.isWritable(onlyBy: user) else { throw .turned(folder.path, "may be written by others") }
    }
}

extension InboxError {
    /// The error of a folder in an inbox that the service cannot call its own.
    ///
    /// - Parameter what: what it is, or whose.
    fileprivate static func turned(_ path: String, _ what: String) -> InboxError {
        InboxError(
            path: path,
            problem: "\(what), and nothing is moved through it; take it away, see who may write the inbox, and the job "
                + "goes on", isTurned: true)
    }

    fileprivate static func gone(_ path: String) -> InboxError {
        InboxError(path: path, problem: "is gone; it is made again at the next look at the inbox", code: ENOENT)
    }
}

/// Who else than the service may do what with an inbox.
package enum InboxAccess {
    /// What others may do with the inbox at a path that they should not, with what to do about it; empty if nothing, or if
    /// there is no such folder.
    package static func problems(of path: String) -> [String] {
        guard let status = (try? FileSystem.status(path)) ?? nil, status.kind == .folder else { return [] }
        let shown = ShellWord.quoted(path)
        var problems: [String] = []
        if status.owner != geteuid(), status.owner != 0 {
            problems.append(
                "the inbox \(path) belongs to another user, number \(status.owner), who can take its folders away and put "
                    + "others in their place; make it the service's own: chown \(geteuid()) \(shown)")
        }
        if status.permissions & 0o002 != 0 {
            problems.append(
                "everybody on this machine may write to the inbox \(path), and what is in an export is done; run 'chmod o-w "
                    + "\(shown)'")
        }
        if status.permissions & 0o020 != 0, status.permissions & 0o1000 == 0 {
            problems.append(
                "the members of the group of the inbox \(path) can take away what they did not put there; run 'chmod +t "
                    + "\(shown)'")
        }
        return problems
    }
}
