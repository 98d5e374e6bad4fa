#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A folder that is open: what is done in it is done in this very folder, wherever its path leads meanwhile.
///
/// A name is that of an entry of the folder, and a link is never followed, so that nothing is read or changed elsewhere.
/// Every function throws a `FileError` that names the path; a name with a slash, `.` and `..` are refused with `EINVAL`.
package final class OpenFolder: Sendable {
    /// The path as it was given.
    package let path: String
    private let descriptor: Int32

    /// Opens the folder at a path.
    ///
    /// - Parameter followingLinks: whether the path itself may be a symbolic link.
    package init(_ path: String, followingLinks: Bool = true) throws(FileError) {
        self.path = path
        do {
            descriptor = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY | (followingLinks ? 0 : O_NOFOLLOW))
        } catch {
            throw FileError(path, .open, code: error.code)
        }
    }

    private init(_ name: String, in folder: OpenFolder) throws(FileError) {
        path = folder.path(of: name)
        do {
            descriptor = try folder.open(name, O_RDONLY | O_DIRECTORY)
        } catch {
            throw FileError(path, .open, code: error.code)
        }
    }

    deinit { SystemCalls.close(descriptor) }

    /// The path of an entry, for messages.
    package func path(of name: String) -> String { "\(path)/\(name)" }

    /// Opens a folder in this one; a link is refused with `ENOTDIR` or `ELOOP`, as the system has it.
    package func folder(_ name: String) throws(FileError) -> OpenFolder { try OpenFolder(name, in: self) }

    /// Makes a folder in this one and opens it; an entry of this name is refused with `EEXIST`.
    ///
    /// - Parameter permissions: its mode, whatever the process's mask is.
    package func makeFolder(_ name: String, permissions: UInt16) throws(FileError) -> OpenFolder {
        try act(name, .make) { () throws(SystemError) in try SystemCalls.makeFolder(name, 0o700, in: descriptor) }
        let folder = try folder(name)
        try folder.setPermissions(permissions)
        return folder
    }

    package func status() throws(FileError) -> FileStatus {
        try act(nil, .look) { () throws(SystemError) in try SystemCalls.status(of: descriptor) }
    }

    /// What an entry is; nil if nothing has this name.
    package func status(of name: String) throws(FileError) -> FileStatus? {
        do throws(FileError) {
            return try act(name, .look) { () throws(SystemError) in
                try SystemCalls.status(of: name, followingLinks: false, in: descriptor)
            }
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// Whether an entry has this name that can be looked at, a link that leads nowhere included.
    package func exists(_ name: String) -> Bool { ((try? status(of: name)) ?? nil) != nil }

    /// The names in the folder in no order, and apart from them those that are not UTF-8, repaired.
    package func names() throws(FileError) -> (names: [String], unreadable: [String]) {
        // Another descriptor of the same folder, since a listing moves on in the one that it has.
        FileSystem.sorted(
            try act(nil, .list) { () throws(SystemError) in
                try SystemCalls.names(in: try SystemCalls.open(".", O_RDONLY | O_DIRECTORY, in: descriptor))
            })
    }

    /// Gives an entry another name, in another folder too; nothing is overwritten.
    ///
    /// Throws `EEXIST` if the name is taken, and `EXDEV` if the other folder is on another file system.
    package func move(_ name: String, to folder: OpenFolder, as target: String) throws(FileError) {
        try act(name, .rename) { () throws(SystemError) in
            try Self.check(target)
            try SystemCalls.move(name, in: descriptor, to: target, in: folder.descriptor)
        }
    }

    /// Gives a file a second name, in another folder too; throws as `move` does.
    package func link(_ name: String, to folder: OpenFolder, as target: String) throws(FileError) {
        try act(name, .link) { () throws(SystemError) in
            try Self.check(target)
            try SystemCalls.link(name, in: descriptor, to: target, in: folder.descriptor)
        }
    }

    /// Removes a file, or a folder with all that is in it. Does nothing if nothing has this name.
    package func remove(_ name: String) throws(FileError) {
        let isFolder = try status(of: name)?.kind == .folder
        if isFolder { try folder(name).empty() }
        do throws(FileError) {
            try act(name, .remove) { () throws(SystemError) in
                if isFolder {
                    try SystemCalls.removeFolder(name, in: descriptor)
                } else {
                    try SystemCalls.removeFile(name, in: descriptor)
                }
            }
        } catch {
            guard error.code == ENOENT else { throw error }
        }
    }

    /// The bytes of the files in it and in the folders below.
    ///
    /// - Parameter mostEntries: so many names are looked at; what is behind them does not count.
    package func size(mostEntries: Int) throws(FileError) -> Int {
        var left = mostEntries
        return try size(&left)
    }

    private func size(_ left: inout Int) throws(FileError) -> Int {
        var bytes = 0
        for name in try names().names {
            guard left > 0 else { break }
            left -= 1
            // What is removed meanwhile has no size.
            guard let status = try status(of: name) else { continue }
            if status.kind == .folder {
                guard let below = try? folder(name) else { continue }
                bytes += try below.size(&left)
            } else {
                bytes += status.size
            }
        }
        return bytes
    }

    /// Removes all that is in it.
    func empty() throws(FileError) {
        for name in try names().names { try remove(name) }
    }

    /// Sets the mode, whatever the process's mask is.
    package func setPermissions(_ permissions: UInt16) throws(FileError) {
        try act(nil, .setMode) { () throws(SystemError) in try SystemCalls.setMode(descriptor, permissions) }
    }

    /// Brings the names in it to the disk.
    package func sync() throws(FileError) {
        try act(nil, .sync) { () throws(SystemError) in try SystemCalls.sync(descriptor) }
    }

    /// Opens an entry; a link is refused.
    func open(_ name: String, _ flags: Int32, _ permissions: UInt16 = 0) throws(SystemError) -> Int32 {
        try Self.check(name)
        return try SystemCalls.open(name, flags | O_NOFOLLOW, permissions, in: descriptor)
    }

    private static func check(_ name: String) throws(SystemError) {
        guard !name.utf8.contains(UInt8(ascii: "/")), !name.isEmpty, name != ".", name != ".." else {
            throw SystemError(EINVAL)
        }
    }

    /// - Parameter name: the entry that the call is about; nil for the folder itself.
    private func act<Value>(
        _ name: String?, _ action: FileError.Action, _ call: () throws(SystemError) -> Value
    ) throws(FileError) -> Value {
        do {
            if let name { try Self.check(name) }
            return try call()
        } catch {
            throw FileError(name.map(path(of:)) ?? path, action, code: error.code)
        }
    }
}
