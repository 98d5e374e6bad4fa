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

    package var description: String { "\(path): \(problem)" }

    init(path: String, problem: String, code: Int32 = 0) {
        self.path = path
        self.problem = problem
        self.code = code
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

/// What an inbox does with its folders and the files in them; each failure says what could not be done.
enum FolderCalls {
    /// The names in the folder, in no order, and apart from them those that are not UTF-8.
    static func names(in folder: String) throws(InboxError) -> (names: [String], unreadable: [String]) {
        try doing("listed", folder) { () throws(FileError) in try FileSystem.names(in: folder) }
    }

    /// The entry of a name, links not followed; nil if it is gone.
    static func entry(_ name: String, in folder: String) throws(InboxError) -> InboxEntry? {
        let path = "\(folder)/\(name)"
        let status = try doing("looked at", path) { () throws(FileError) in
            try FileSystem.status(path, followingLinks: false)
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

    static func exists(_ path: String) -> Bool { FileSystem.exists(path) }

    /// The number of the file system that a folder is on, links followed.
    static func device(of folder: String) throws(InboxError) -> UInt64 {
        let status = try doing("looked at", folder) { () throws(FileError) in try FileSystem.status(folder) }
        guard let status else { throw InboxError(folder, "looked at", code: ENOENT) }
        return status.device
    }

    /// Gives a file another name. Throws if that name is taken.
    ///
    /// Nothing takes the name between the look and the renaming: only this service writes to its folders. If the name is
    /// on another file system, the file is copied, forced to the disk, and removed here.
    static func move(_ path: String, to target: String) throws(InboxError) {
        guard !exists(target) else { throw InboxError(path, "moved to \(target)", code: EEXIST) }
        do throws(FileError) {
            return try FileSystem.rename(path, to: target)
        } catch {
            guard error.code == EXDEV else { throw InboxError(path, "moved to \(target)", code: error.code) }
        }
        if let status = try? FileSystem.status(path, followingLinks: false), status.kind == .folder {
            try copyFolder(path, to: target)
        } else {
            try copy(path, to: target)
        }
        try doing("removed after it was copied", path) { () throws(FileError) in try FileSystem.remove(path) }
    }

    /// Copies a file with its time; the copy gets its name when it is whole and on the disk.
    static func copy(_ path: String, to target: String) throws(InboxError) {
        // A name that is never taken for an export; what a crash left of it is written over.
        let slash = target.lastIndex(of: "/").map { target.index(after: $0) } ?? target.startIndex
        let name = FileName.fitting(String(target[slash...]), before: ".", ending: ".part")
        let unfinished = "\(target[..<slash])\(name)"
        // A link is not followed: what it points to is not the export that was seen.
        let from = try doing("read", path) { () throws(FileError) in try OpenFile(path, for: .readingNoLink) }
        let before = try doing("looked at", path) { () throws(FileError) in try from.status() }
        guard before.kind == .regular else { throw InboxError(path, "copied", code: EINVAL) }
        let to = try doing("written", unfinished) { () throws(FileError) in try OpenFile(unfinished, for: .replacing) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try doing("read", path) { () throws(FileError) in
                var span = piece.mutableSpan
                return try from.read(into: &span)
            }
            if count == 0 { break }
            try doing("written", unfinished) { () throws(FileError) in
                try to.write(piece.span.extracting(first: count))
            }
        }
        // A file that is written to while it is copied is a copy of nothing.
        guard let after = try? from.status(), after.modified == before.modified, after.size == before.size else {
            try? FileSystem.remove(unfinished)
            throw InboxError(path, "copied, since it has changed", code: EAGAIN)
        }
        try doing("written to the disk", unfinished) { () throws(FileError) in
            try to.setTimes(accessed: before.accessed, modified: before.modified)
            try to.sync()
        }
        try doing("moved to \(target)", unfinished) { () throws(FileError) in
            try FileSystem.rename(unfinished, to: target)
        }
    }

    /// Copies a folder of files, which gets its name when it is whole and on the disk.
    private static func copyFolder(_ path: String, to target: String) throws(InboxError) {
        let slash = target.lastIndex(of: "/").map { target.index(after: $0) } ?? target.startIndex
        let unfinished =
            "\(target[..<slash])\(FileName.fitting(String(target[slash...]), before: ".", ending: ".part"))"
        try remove(unfinished)
        try create(unfinished, permissions: 0o700)
        for name in try names(in: path).names { try copy("\(path)/\(name)", to: "\(unfinished)/\(name)") }
        try synchronize(unfinished)
        try doing("moved to \(target)", unfinished) { () throws(FileError) in
            try FileSystem.rename(unfinished, to: target)
        }
    }

    /// Creates the folder if it is missing.
    ///
    /// - Parameter permissions: its mode, less what the process's mask takes away.
    static func create(_ folder: String, permissions: UInt16 = 0o777) throws(InboxError) {
        try doing("created", folder) { () throws(FileError) in
            _ = try FileSystem.makeFolder(folder, permissions: permissions)
        }
    }

    /// Removes a file, or a folder with all that is in it.
    static func remove(_ path: String) throws(InboxError) {
        try doing("removed", path) { () throws(FileError) in try FileSystem.remove(path) }
    }

    /// Forces the names in the folder to the disk.
    static func synchronize(_ folder: String) throws(InboxError) {
        try doing("written to the disk", folder) { () throws(FileError) in try FileSystem.syncFolder(folder) }
    }

    private static func doing<Value>(
        _ what: String, _ path: String, _ call: () throws(FileError) -> Value
    ) throws(InboxError) -> Value {
        do {
            return try call()
        } catch {
            throw InboxError(path, what, code: error.code)
        }
    }
}
