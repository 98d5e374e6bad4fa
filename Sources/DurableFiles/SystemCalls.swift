import CProcess

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The system's calls on files and folders, a function each: the only place that makes them.
///
/// A call that a signal interrupts is made again. Each `unsafe` passes a path or a buffer to C, which uses it only
/// during the call. A path that is not absolute begins in the folder that is given, by its descriptor.
enum SystemCalls {
    /// The folder that the process works in.
    static let here = AT_FDCWD

    static func open(
        _ path: String, _ flags: Int32, _ permissions: UInt16 = 0, in folder: Int32 = here
    ) throws(SystemError) -> Int32 {
        try checked { unsafe openat(folder, path, flags | O_CLOEXEC, mode_t(permissions)) }
    }

    static func close(_ descriptor: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }

    /// Returns the bytes that were read, 0 only at the end of the file.
    static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        #if canImport(Glibc)
            try checked { unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
        #else
            try checked { unsafe Darwin.read(descriptor, buffer.baseAddress, buffer.count) }
        #endif
    }

    /// Waits until a read would not; false if that did not come in so many milliseconds.
    static func waitToRead(_ descriptor: Int32, milliseconds: Int32) throws(SystemError) -> Bool {
        var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return try checked { unsafe poll(&asked, 1, milliseconds) } > 0
    }

    static func read(
        _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemError) -> Int {
        try checked { unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Returns the bytes that were written, which may be fewer than there are.
    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        #if canImport(Glibc)
            try checked { unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
        #else
            try checked { unsafe Darwin.write(descriptor, bytes.baseAddress, bytes.count) }
        #endif
    }

    static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(SystemError) -> Int {
        try checked { unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset)) }
    }

    static func sync(_ descriptor: Int32) throws(SystemError) {
        _ = try checked { fsync(descriptor) }
    }

    static func truncate(_ descriptor: Int32) throws(SystemError) {
        _ = try checked { ftruncate(descriptor, 0) }
    }

    /// Takes the lock of a file; fails with `EWOULDBLOCK` if another has it.
    static func lock(_ descriptor: Int32, shared: Bool) throws(SystemError) {
        _ = try checked { flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) }
    }

    static func setMode(_ descriptor: Int32, _ permissions: UInt16) throws(SystemError) {
        _ = try checked { fchmod(descriptor, mode_t(permissions)) }
    }

    static func setMode(of path: String, _ permissions: UInt16) throws(SystemError) {
        _ = try checked { unsafe chmod(path, mode_t(permissions)) }
    }

    static func setOwner(of path: String, _ owner: UInt32) throws(SystemError) {
        _ = try checked { unsafe lchown(path, owner, gid_t.max) }
    }

    static func setTimes(_ descriptor: Int32, accessed: Duration, modified: Duration) throws(SystemError) {
        let times = [timespec(accessed), timespec(modified)]
        _ = try checked { unsafe futimens(descriptor, times) }
    }

    static func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last }
        return FileStatus(status)
    }

    static func status(
        of path: String, followingLinks: Bool, in folder: Int32 = here
    ) throws(SystemError) -> FileStatus {
        var status = stat()
        guard unsafe fstatat(folder, path, &status, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW) == 0 else { throw .last }
        return FileStatus(status)
    }

    static func freeBytes(at path: String) throws(SystemError) -> Int {
        var disk = statvfs()
        guard unsafe statvfs(path, &disk) == 0 else { throw .last }
        return Int(disk.f_bavail) * Int(disk.f_frsize)
    }

    static func rename(_ path: String, to target: String) throws(SystemError) {
        #if canImport(Glibc)
            _ = try checked { unsafe Glibc.rename(path, target) }
        #else
            _ = try checked { unsafe Darwin.rename(path, target) }
        #endif
    }

    /// Gives a file or folder another name, in another folder too; fails with `EEXIST` if that name is taken.
    ///
    /// A file system that cannot do both at once is asked first whether the name is taken.
    static func move(_ name: String, in folder: Int32, to target: String, in other: Int32) throws(SystemError) {
        do throws(SystemError) {
            _ = try checked { unsafe cartsync_move(folder, name, other, target) }
        } catch {
            guard [EINVAL, ENOSYS, ENOTSUP].contains(error.code) else { throw error }
            guard (try? status(of: target, followingLinks: false, in: other)) == nil else { throw SystemError(EEXIST) }
            _ = try checked { unsafe renameat(folder, name, other, target) }
        }
    }

    /// Gives a file a second name, in another folder too; fails with `EEXIST` if that name is taken.
    static func link(_ name: String, in folder: Int32, to target: String, in other: Int32) throws(SystemError) {
        _ = try checked { unsafe linkat(folder, name, other, target, 0) }
    }

    static func removeFile(_ path: String, in folder: Int32 = here) throws(SystemError) {
        _ = try checked { unsafe unlinkat(folder, path, 0) }
    }

    /// Fails with `ENOTEMPTY` if anything is in it.
    static func removeFolder(_ path: String, in folder: Int32 = here) throws(SystemError) {
        _ = try checked { unsafe unlinkat(folder, path, AT_REMOVEDIR) }
    }

    static func makeFolder(_ path: String, _ permissions: UInt16, in folder: Int32 = here) throws(SystemError) {
        _ = try checked { unsafe mkdirat(folder, path, mode_t(permissions)) }
    }

    /// Every name in a folder as bytes, in no order, `.` and `..` apart.
    static func names(in folder: String) throws(SystemError) -> [[UInt8]] {
        try names(in: try open(folder, O_RDONLY | O_DIRECTORY))
    }

    /// Every name in an open folder as bytes, in no order, `.` and `..` apart; closes the descriptor.
    static func names(in descriptor: Int32) throws(SystemError) -> [[UInt8]] {
        // Unsafe because directory streams are C pointers: this one is closed before it could be used again, and its
        // descriptor with it.
        guard let stream = unsafe fdopendir(descriptor) else {
            let error = SystemError.last
            close(descriptor)
            throw error
        }
        defer { unsafe closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            // Unsafe because the name is an array inside a C structure: it is copied up to its end, which is there.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            if name != [UInt8(ascii: ".")] && name != [UInt8(ascii: "."), UInt8(ascii: ".")] { names.append(name) }
        }
        guard errno == 0 else { throw .last }
        return names
    }

    private static func checked<Number: SignedInteger>(_ call: () -> Number) throws(SystemError) -> Number {
        while true {
            let answer = call()
            if answer >= 0 { return answer }
            guard errno == EINTR else { throw .last }
        }
    }
}

/// What the system knows about a file or folder.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Sendable {
        case regular, folder, link
        /// A pipe, a socket or a device.
        case special
    }

    package let kind: Kind
    /// In bytes.
    package let size: Int
    /// The number of the file within its file system.
    package let inode: UInt64
    /// The number of the file system.
    package let device: UInt64
    /// The number of the user that owns it.
    package let owner: UInt32
    /// The number of the group that it belongs to.
    package let group: UInt32
    /// The lowest twelve bits of the mode.
    package let permissions: UInt16
    /// When its contents were last read, from 1970 on, to the nanosecond.
    package let accessed: Duration
    /// When its contents were last changed.
    package let modified: Duration
    /// When anything about it was last changed, its name too; no program can set this.
    package let changed: Duration

    /// Whether nobody can have written it but one user and root, the owner's own doing apart.
    package func isWritable(onlyBy user: UInt32) -> Bool {
        (owner == user || owner == 0) && permissions & 0o022 == 0
    }

    fileprivate init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .special
            }
        size = Int(status.st_size)
        inode = UInt64(status.st_ino)
        device = UInt64(truncatingIfNeeded: status.st_dev)
        owner = status.st_uid
        group = status.st_gid
        permissions = UInt16(truncatingIfNeeded: status.st_mode & 0o7777)
        #if canImport(Darwin)
            accessed = Duration(status.st_atimespec)
            modified = Duration(status.st_mtimespec)
            changed = Duration(status.st_ctimespec)
        #else
            accessed = Duration(status.st_atim)
            modified = Duration(status.st_mtim)
            changed = Duration(status.st_ctim)
        #endif
    }
}

extension Duration {
    fileprivate init(_ time: timespec) {
        self = .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

extension timespec {
    fileprivate init(_ time: Duration) {
        var (seconds, attoseconds) = time.components
        // Before 1970 the nanoseconds still count forwards.
        if attoseconds < 0 { (seconds, attoseconds) = (seconds - 1, attoseconds + 1_000_000_000_000_000_000) }
        self.init(tv_sec: time_t(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}
