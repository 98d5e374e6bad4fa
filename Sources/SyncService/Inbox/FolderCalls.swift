#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Something that could not be done with a folder of an inbox, or with a file in one.
package struct InboxError: Error, Hashable, CustomStringConvertible {
    let path: String
    let problem: String
    let code: Int32

    package var description: String { "\(path): \(problem)" }

    /// The error that the last system call left.
    static func system(_ path: String, _ doing: String, code: Int32 = errno) -> InboxError {
        // Unsafe because strerror answers with a C string: it is copied at once, and both C libraries keep one a thread.
        let words = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return InboxError(path: path, problem: "cannot be \(doing): \(words)", code: code)
    }

    /// The error of an inbox that does not exist.
    static func missing(_ path: String) -> InboxError {
        InboxError(path: path, problem: "the inbox does not exist; create it, or mount what it is on", code: ENOENT)
    }

    /// Whether the file was moved or deleted by another program.
    var isGone: Bool { code == ENOENT }
}

/// The few system calls on folders that Foundation does not have or blurs.
enum FolderCalls {
    /// The names in the folder, in no order, and apart from them those that are not UTF-8.
    static func names(in folder: String) throws(InboxError) -> (names: [String], unreadable: [String]) {
        // Unsafe because directory streams are C pointers: this one is closed before it could be used again.
        guard let stream = unsafe opendir(folder) else { throw .system(folder, "listed") }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        var unreadable: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let bytes = unsafe bytes(of: entry)
            guard bytes != Array(".".utf8), bytes != Array("..".utf8) else { continue }
            if let name = String(validating: bytes, as: UTF8.self) {
                names.append(name)
            } else {
                unreadable.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        guard errno == 0 else { throw .system(folder, "listed") }
        return (names, unreadable)
    }

    // Unsafe because the name is an array inside a C structure: it is copied up to its end, which readdir guarantees.
    @unsafe private static func bytes(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in unsafe Array(name.prefix { $0 != 0 }) }
    }

    /// The entry of a name, links not followed; nil if it is gone.
    static func entry(_ name: String, in folder: String) throws(InboxError) -> InboxEntry? {
        var status = stat()
        guard unsafe lstat("\(folder)/\(name)", &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("\(folder)/\(name)", "looked at")
        }
        let kind: InboxEntryKind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .special
            }
        #if canImport(Darwin)
            let modified = status.st_mtimespec
        #else
            let modified = status.st_mtim
        #endif
        return InboxEntry(
            name: name, kind: kind, size: Int(status.st_size),
            modified: .seconds(Int64(modified.tv_sec)) + .nanoseconds(Int64(modified.tv_nsec)),
            inode: UInt64(status.st_ino))
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    /// The number of the file system that a folder is on, links followed.
    static func device(of folder: String) throws(InboxError) -> UInt64 {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { throw .system(folder, "looked at") }
        return UInt64(status.st_dev)
    }

    /// Gives a file another name. Throws if that name is taken.
    ///
    /// Nothing takes the name between the look and the renaming: only this service writes to its folders. If the name is
    /// on another file system, the file is copied, forced to the disk, and removed here.
    static func move(_ path: String, to target: String) throws(InboxError) {
        guard !exists(target) else { throw .system(path, "moved to \(target)", code: EEXIST) }
        if unsafe rename(path, target) == 0 { return }
        guard errno == EXDEV else { throw .system(path, "moved to \(target)") }
        try FileCopy(from: path, to: target).make()
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .system(path, "removed after it was copied") }
    }

    /// Creates the folder if it is missing.
    ///
    /// - Parameter permissions: its mode, less what the process's mask takes away.
    static func create(_ folder: String, permissions: mode_t = 0o777) throws(InboxError) {
        guard unsafe mkdir(folder, permissions) == 0 || errno == EEXIST else { throw .system(folder, "created") }
    }

    /// Forces the names in the folder to the disk.
    static func synchronize(_ folder: String) throws(InboxError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(folder, "opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(folder, "written to the disk") }
    }
}
