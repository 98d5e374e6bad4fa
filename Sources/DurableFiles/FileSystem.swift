#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Calls on files and folders by their paths. Every function throws a `FileError` that names the path.
package enum FileSystem {
    /// What a path stands for; nil if nothing is there.
    package static func status(_ path: String, followingLinks: Bool = true) throws(FileError) -> FileStatus? {
        do throws(SystemError) {
            guard let lent = LentFiles.with(path) else {
                return try SystemCalls.status(of: path, followingLinks: followingLinks)
            }
            return try lent.status(path, followingLinks: followingLinks)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw FileError(path, .look, code: error.code)
        }
    }

    /// Whether anything is at a path that can be looked at, a link that leads nowhere included.
    package static func exists(_ path: String) -> Bool {
        guard let lent = LentFiles.with(path) else {
            return (try? SystemCalls.status(of: path, followingLinks: false)) != nil
        }
        do throws(SystemError) {
            _ = try lent.status(path, followingLinks: true)
            return true
        } catch {
            // It is there, and may not be read.
            return [EACCES, EPERM].contains(error.code)
        }
    }

    /// The bytes that the process may still write on the disk that a path is on.
    package static func freeBytes(at path: String) throws(FileError) -> Int {
        try act(path, .look) { () throws(SystemError) in try SystemCalls.freeBytes(at: path) }
    }

    /// The bytes of a whole file.
    ///
    /// - Parameter limit: a larger file is refused with `EFBIG`.
    package static func contents(_ path: String, limit: Int = .max) throws(FileError) -> [UInt8] {
        try OpenFile(path, for: .reading).contents(limit: limit)
    }

    /// Gives a file or folder another name, in the place of a file that has it.
    package static func rename(_ path: String, to target: String) throws(FileError) {
        try act(target, .rename) { () throws(SystemError) in try SystemCalls.rename(path, to: target) }
    }

    /// Removes a file, or a folder with all that is in it; links are not followed. Does nothing if nothing is there.
    package static func remove(_ path: String) throws(FileError) {
        let isFolder = try status(path, followingLinks: false)?.kind == .folder
        if isFolder { try OpenFolder(path, followingLinks: false).empty() }
        do throws(SystemError) {
            if isFolder { try SystemCalls.removeFolder(path) } else { try SystemCalls.removeFile(path) }
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return }
            throw FileError(path, .remove, code: error.code)
        }
    }

    /// Removes a folder if nothing is in it; does nothing otherwise.
    package static func removeIfEmpty(_ folder: String) {
        try? SystemCalls.removeFolder(folder)
    }

    /// Makes a folder, and those above it that are missing; returns false if it is there already.
    ///
    /// - Parameter permissions: its mode and that of those above it, less what the process's mask takes away.
    @discardableResult
    package static func makeFolder(_ path: String, permissions: UInt16 = 0o777) throws(FileError) -> Bool {
        do {
            try SystemCalls.makeFolder(path, permissions)
            return true
        } catch {
            switch error.code {
            case ENOENT:
                let above = folder(of: path)
                guard above != path, try makeFolder(above, permissions: permissions) else {
                    throw FileError(path, .make, code: ENOENT)
                }
                return try makeFolder(path, permissions: permissions)
            case EEXIST where (try? status(path))?.kind == .folder: return false
            default: throw FileError(path, .make, code: error.code)
            }
        }
    }

    /// Sets the mode of a file or folder, whatever the process's mask is.
    package static func setPermissions(_ path: String, _ permissions: UInt16) throws(FileError) {
        try act(path, .setMode) { () throws(SystemError) in try SystemCalls.setMode(of: path, permissions) }
    }

    /// Gives a file, folder or link to another user, by its number; a link is not followed.
    package static func setOwner(_ path: String, _ owner: UInt32) throws(FileError) {
        try act(path, .setMode) { () throws(SystemError) in try SystemCalls.setOwner(of: path, owner) }
    }

    /// The names in a folder in no order, and apart from them those that are not UTF-8, repaired.
    package static func names(in folder: String) throws(FileError) -> (names: [String], unreadable: [String]) {
        sorted(try act(folder, .list) { () throws(SystemError) in try SystemCalls.names(in: folder) })
    }

    /// Names as texts, and apart from them those that are not UTF-8, repaired.
    static func sorted(_ names: [[UInt8]]) -> (names: [String], unreadable: [String]) {
        var texts: [String] = []
        var unreadable: [String] = []
        for bytes in names {
            if let name = String(validating: bytes, as: UTF8.self) {
                texts.append(name)
            } else {
                unreadable.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        return (texts, unreadable)
    }

    /// Brings the names in a folder to the disk.
    package static func syncFolder(_ folder: String) throws(FileError) {
        try act(folder, .sync) { () throws(SystemError) in
            let descriptor = try SystemCalls.open(folder, O_RDONLY | O_DIRECTORY)
            defer { SystemCalls.close(descriptor) }
            try SystemCalls.sync(descriptor)
        }
    }

    /// The folder that a path is in, for instance `.` for a bare name.
    package static func folder(of path: String) -> String {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard let slash = path.lastIndex(of: "/") else { return path == "." ? path : "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The name of what a path stands for, without its folder.
    package static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    private static func act<Value>(
        _ path: String, _ action: FileError.Action, _ call: () throws(SystemError) -> Value
    ) throws(FileError) -> Value {
        do {
            return try call()
        } catch {
            throw FileError(path, action, code: error.code)
        }
    }
}
