import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An export that is open for reading, as many times as needed.
///
/// It stays the same file however its path is renamed or replaced, and every reading checks that its size, its time
/// and its digest have not changed since it was opened.
package final class ExportFile: Sendable {
    /// The path as it was given, or `standard input`.
    package let name: String
    /// The size in bytes when it was opened, as stored.
    package let size: Int
    private let descriptor: Int32
    private let identity: FileIdentity
    private let digest = Mutex<String?>(nil)

    private init(name: String, descriptor: Int32, identity: FileIdentity) {
        self.name = name
        self.descriptor = descriptor
        self.identity = identity
        self.size = identity.size
    }

    deinit {
        close(descriptor)
    }

    /// The name of an export that came from standard input.
    package static let standardInput = "standard input"

    /// Opens the export at a path, or copies standard input where the path is `-`.
    ///
    /// - Parameters:
    ///   - spoolFolder: the existing folder for the copy of standard input, which has no name in it and is gone
    ///     when the export is closed, however the program ends.
    ///   - followingLinks: whether the path itself may be a symbolic link.
    ///
    /// Throws an unreadable `ExportError` where there is no regular file at the path or it may not be read, and an
    /// unwritable one where standard input cannot be copied.
    package static func open(
        _ path: String, spoolFolder: String, followingLinks: Bool = true
    ) throws -> ExportFile {
        if path == "-" { return try spool(STDIN_FILENO, name: standardInput, folder: spoolFolder) }
        // Without O_NONBLOCK a named pipe would hold the program until somebody writes to it.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
        let descriptor = System.open(path, flags)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        guard let identity = FileIdentity(of: descriptor) else {
            let code = errno
            close(descriptor)
            throw unreadable(path, code)
        }
        guard identity.isRegular else {
            close(descriptor)
            throw ExportError(
                .notAFile, file: path, problem: "not a regular file",
                advice: "give the path of one CSV or XML file, or - for standard input")
        }
        return ExportFile(name: path, descriptor: descriptor, identity: identity)
    }

    /// Copies everything from a descriptor into an unnamed temporary file and opens that.
    static func spool(_ source: Int32, name: String, folder: String) throws -> ExportFile {
        let path = folder + "/.spool-\(getpid())-\(UInt64.random(in: .min ... .max))"
        let descriptor = System.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC)
        guard descriptor >= 0 else { throw unwritable(folder, errno) }
        System.remove(path)
        // The buffer lives until the end of this function, and only this function has it.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { unsafe buffer.deallocate() }
        do {
            while true {
                let count = unsafe System.read(source, into: buffer)
                if count < 0 {
                    throw ExportError(
                        .readFailed, file: name, problem: "it is closed or cannot be read: \(System.message(errno))",
                        advice: "pipe an export into it, or give the path of a file")
                }
                if count == 0 { break }
                guard unsafe System.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer.prefix(count))) else {
                    throw unwritable(folder, errno)
                }
            }
        } catch {
            close(descriptor)
            throw error
        }
        guard let identity = FileIdentity(of: descriptor) else {
            let code = errno
            close(descriptor)
            throw unwritable(folder, code)
        }
        return ExportFile(name: name, descriptor: descriptor, identity: identity)
    }

    /// Reads bytes as stored into a buffer; 0 only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        let count = unsafe System.read(descriptor, into: buffer, at: offset)
        guard count >= 0 else { throw Self.unreadable(name, errno) }
        return count
    }

    /// Throws where the file is no longer the one that was opened.
    func checkUnchanged() throws {
        guard FileIdentity(of: descriptor) == identity else { throw changed() }
    }

    /// Throws where a whole reading did not see the file that was opened, or that an earlier reading saw.
    func checkUnchanged(bytesRead: Int, sha256: String) throws {
        try checkUnchanged()
        guard bytesRead == size else { throw changed() }
        let first = digest.withLock { known -> String in
            if let known { return known }
            known = sha256
            return sha256
        }
        guard first == sha256 else { throw changed() }
    }

    private func changed() -> ExportError {
        ExportError(
            .changed, file: name, problem: "the file changed while it was being read",
            advice:
                "wait until it is completely written, or have it written under another name and renamed, and run again")
    }

    private static func unreadable(_ path: String, _ code: Int32) -> ExportError {
        switch code {
        case ENOENT, ENOTDIR:
            ExportError(.missing, file: path, problem: "there is no such file", advice: "check the path")
        case EACCES, EPERM:
            ExportError(
                .permission, file: path, problem: "the file may not be read by this user",
                advice: "give the user that runs cartsync permission to read it")
        case ELOOP:
            ExportError(
                .notAFile, file: path, problem: "the path is a symbolic link, which is not followed here",
                advice: "move the file itself there")
        default:
            ExportError(
                .readFailed, file: path, problem: "reading failed: \(System.message(code))",
                advice: "check the disk or the mount that holds it, and run again")
        }
    }

    private static func unwritable(_ folder: String, _ code: Int32) -> ExportError {
        ExportError(
            .writeFailed, file: folder, problem: "standard input cannot be copied there: \(System.message(code))",
            advice: "make room or choose another state folder, or give the export as a file")
    }
}

/// What tells one state of a file from another.
struct FileIdentity: Equatable {
    let device: UInt64
    let inode: UInt64
    let size: Int
    let seconds: Int
    let nanoseconds: Int
    let isRegular: Bool

    /// Nil with `errno` set where the descriptor cannot be examined.
    init?(of descriptor: Int32) {
        var status = stat()
        // fstat fills the structure it is given.
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        size = Int(status.st_size)
        #if canImport(Darwin)
            seconds = status.st_mtimespec.tv_sec
            nanoseconds = status.st_mtimespec.tv_nsec
        #else
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        #endif
        isRegular = status.st_mode & S_IFMT == S_IFREG
    }
}
