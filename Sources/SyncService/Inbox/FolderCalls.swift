import DurableFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Something that could not be done with a folder of an inbox, or with a file in one.
package struct InboxError: Error, Hashable, CustomStringConvertible {
    let path: String
    let problem: String
    /// The system's error number; 0 if the system did not say one.
    let code: Int32
    /// Whether something else has the name of one of the inbox's own folders.
    let isTurned: Bool

    package var description: String { "\(path): \(problem)" }

    init(path: String, problem: String, code: Int32 = 0, isTurned: Bool = false) {
        self.path = path
        self.problem = problem
        self.code = code
        self.isTurned = isTurned
    }

    /// - Parameter doing: completes "cannot be".
    init(_ path: String, _ doing: String, code: Int32) {
        self.init(path: path, problem: "cannot be \(doing): \(SystemError(code).sentence)", code: code)
    }

    /// The error of an inbox that does not exist.
    static func missing(_ path: String) -> InboxError {
        InboxError(path: path, problem: "the inbox does not exist; create it, or mount what it is on", code: ENOENT)
    }

    /// The error of an inbox that was the root of a file system, and is not.
    static func unmounted(_ path: String) -> InboxError {
        InboxError(
            path: path,
            problem: "what was mounted there is not; mount it again, or start the service again if it shall not be")
    }

    /// Whether the file was moved or deleted by another program.
    var isGone: Bool { code == ENOENT }
}

/// What an inbox does with its open folders and the files in them; each failure says what could not be done.
enum FolderCalls {
    /// Opens the folder at a path; links are followed.
    static func open(_ path: String) throws(InboxError) -> OpenFolder {
        try doing("opened", path) { () throws(FileError) in try OpenFolder(path) }
    }

    /// The names in the folder, in no order, and apart from them those that are not UTF-8.
    static func names(in folder: OpenFolder) throws(InboxError) -> (names: [String], unreadable: [String]) {
        try doing("listed", folder.path) { () throws(FileError) in try folder.names() }
    }

    /// The entry of a name, links not followed; nil if it is gone.
    static func entry(_ name: String, in folder: OpenFolder) throws(InboxError) -> InboxEntry? {
        let status = try doing("looked at", folder.path(of: name)) { () throws(FileError) in
            try folder.status(of: name)
        }
        guard let status else { return nil }
        let kind: InboxEntryKind =
            switch status.kind {
            case .regular: .regular
            case .folder: .folder
            case .link: .link
            case .special: .special
            }
        return InboxEntry(
            name: name, kind: kind, size: status.size, modified: status.modified, inode: status.inode)
    }

    /// The number of the file system that the folder at a path is on, links followed.
    static func device(of path: String) throws(InboxError) -> UInt64 {
        let status = try doing("looked at", path) { () throws(FileError) in try FileSystem.status(path) }
        guard let status else { throw InboxError(path, "looked at", code: ENOENT) }
        return status.device
    }

    static func status(of folder: OpenFolder) throws(InboxError) -> FileStatus {
        try doing("looked at", folder.path) { () throws(FileError) in try folder.status() }
    }

    /// Gives a file another name. Throws if that name is taken.
    ///
    /// If the name is on another file system, the file is copied, forced to the disk, and removed here.
    static func move(
        _ name: String, from folder: OpenFolder, to other: OpenFolder, as target: String
    ) throws(InboxError) {
        let words = "moved to \(other.path(of: target))"
        do throws(FileError) {
            return try folder.move(name, to: other, as: target)
        } catch {
            guard error.code == EXDEV else { throw InboxError(folder.path(of: name), words, code: error.code) }
        }
        if try entry(name, in: folder)?.kind == .folder {
            try copyFolder(name, from: folder, to: other, as: target)
        } else {
            try copy(name, from: folder, to: other, as: target)
        }
        try doing("removed after it was copied", folder.path(of: name)) { () throws(FileError) in
            try folder.remove(name)
        }
    }

    /// Gives a finished file of ours a second name in another folder, or copies it where that cannot be done, which takes
    /// its room twice.
    static func share(_ name: String, from folder: OpenFolder, to other: OpenFolder) throws(InboxError) {
        do throws(FileError) {
            try folder.link(name, to: other, as: name)
        } catch {
            guard [EXDEV, EPERM, EMLINK, ENOTSUP, EOPNOTSUPP].contains(error.code) else {
                throw InboxError(folder.path(of: name), "linked to \(other.path(of: name))", code: error.code)
            }
            try copy(name, from: folder, to: other, as: name)
        }
    }

    /// Copies a file with its time; the copy gets its name when it is whole and on the disk.
    private static func copy(
        _ name: String, from folder: OpenFolder, to other: OpenFolder, as target: String
    ) throws(InboxError) {
        let path = folder.path(of: name)
        let from = try doing("read", path) { () throws(FileError) in
            try OpenFile(name, in: folder, for: .readingNoLink)
        }
        let before = try doing("looked at", path) { () throws(FileError) in try from.status() }
        guard before.kind == .regular else { throw InboxError(path, "copied", code: EINVAL) }
        if let problem = (try? FreeSpace(at: other.path))?.problem(before.size) {
            throw InboxError(path: path, problem: "cannot be copied: \(problem)", code: ENOSPC)
        }
        try make(target, in: other) { to throws(InboxError) in
            var piece = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = try doing("read", path) { () throws(FileError) in
                    var span = piece.mutableSpan
                    return try from.read(into: &span)
                }
                if count == 0 { break }
                try doing("written", to.path) { () throws(FileError) in
                    try to.write(piece.span.extracting(first: count))
                }
            }
            // A file that is written to while it is copied is a copy of nothing.
            guard let after = try? from.status(), after.modified == before.modified, after.size == before.size else {
                throw InboxError(path, "copied, since it has changed", code: EAGAIN)
            }
            try doing("written to the disk", to.path) { () throws(FileError) in
                try to.setTimes(accessed: before.accessed, modified: before.modified)
            }
        }
    }

    /// The name of a file or folder until it is whole. It is never taken for an export, and what a crash left of it is
    /// removed.
    static func unfinished(_ name: String) -> String { FileName.fitting(name, before: ".", ending: ".part") }

    /// Whether a name is that of a file or folder that is not whole.
    static func isUnfinished(_ name: String) -> Bool { name.hasPrefix(".") && name.hasSuffix(".part") }

    /// Copies a folder of files, which gets its name when it is whole and on the disk.
    private static func copyFolder(
        _ name: String, from folder: OpenFolder, to other: OpenFolder, as target: String
    ) throws(InboxError) {
        let unfinished = unfinished(target)
        try remove(unfinished, in: other)
        let from = try below(name, in: folder)
        let to = try make(unfinished, in: other)
        for name in try names(in: from).names { try copy(name, from: from, to: to, as: name) }
        try synchronize(to)
        try doing("moved to \(target)", to.path) { () throws(FileError) in
            try other.move(unfinished, to: other, as: target)
        }
    }

    /// Opens a folder in another one; a link is refused.
    static func below(_ name: String, in folder: OpenFolder) throws(InboxError) -> OpenFolder {
        try doing("opened", folder.path(of: name)) { () throws(FileError) in try folder.folder(name) }
    }

    /// Makes a folder of the service's own in another one.
    static func make(_ name: String, in folder: OpenFolder) throws(InboxError) -> OpenFolder {
        try doing("created", folder.path(of: name)) { () throws(FileError) in
            try folder.makeFolder(name, permissions: 0o700)
        }
    }

    /// Writes a text as a whole file, or not at all.
    static func write(_ text: String, to name: String, in folder: OpenFolder) throws(InboxError) {
        try make(name, in: folder) { file throws(InboxError) in
            try doing("written", file.path) { () throws(FileError) in try file.write(Array(text.utf8)) }
        }
    }

    /// Makes a file that gets its name when it is whole and on the disk; what there is of it is removed otherwise.
    private static func make(
        _ name: String, in folder: OpenFolder, _ fill: (OpenFile) throws(InboxError) -> Void
    ) throws(InboxError) {
        let unfinished = unfinished(name)
        try remove(unfinished, in: folder)
        do throws(InboxError) {
            let file = try doing("written", folder.path(of: unfinished)) { () throws(FileError) in
                try OpenFile(unfinished, in: folder, for: .making)
            }
            try fill(file)
            try doing("written to the disk", file.path) { () throws(FileError) in try file.sync() }
            try doing("moved to \(name)", file.path) { () throws(FileError) in
                try folder.move(unfinished, to: folder, as: name)
            }
        } catch {
            try? folder.remove(unfinished)
            throw error
        }
    }

    /// Makes the folder at a path, and those above it, if it is missing.
    ///
    /// - Parameter permissions: its mode, less what the process's mask takes away.
    static func create(_ path: String, permissions: UInt16) throws(InboxError) {
        try doing("created", path) { () throws(FileError) in
            _ = try FileSystem.makeFolder(path, permissions: permissions)
        }
    }

    /// Removes a file, or a folder with all that is in it.
    static func remove(_ name: String, in folder: OpenFolder) throws(InboxError) {
        try doing("removed", folder.path(of: name)) { () throws(FileError) in try folder.remove(name) }
    }

    /// Forces the names in the folder to the disk.
    static func synchronize(_ folder: OpenFolder) throws(InboxError) {
        try doing("written to the disk", folder.path) { () throws(FileError) in try folder.sync() }
    }

    /// - Parameter what: completes "cannot be".
    static func doing<Value>(
        _ what: String, _ path: String, _ call: () throws(FileError) -> Value
    ) throws(InboxError) -> Value {
        do {
            return try call()
        } catch {
            throw InboxError(path, what, code: error.code)
        }
    }
}
