#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The copy of a file on another file system, with its time; it gets its name when it is whole and on the disk.
///
/// Each `unsafe` passes a path or a buffer to C, which uses it only during the call.
struct FileCopy {
    private let source: String
    private let target: String
    /// A name that is never taken for an export; what a crash left of it is written over.
    private let unfinished: String

    private static let pieceSize = 1 << 20

    init(from source: String, to target: String) {
        self.source = source
        self.target = target
        let slash = target.lastIndex(of: "/").map { target.index(after: $0) } ?? target.startIndex
        unfinished = "\(target[..<slash]).\(target[slash...]).part"
    }

    func make() throws(InboxError) {
        // A link is not followed: what it points to is not the export that was seen. A pipe does not hold us up.
        let from = unsafe open(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard from >= 0 else { throw .system(source, "read") }
        defer { close(from) }
        var before = stat()
        guard unsafe fstat(from, &before) == 0 else { throw .system(source, "looked at") }
        guard before.st_mode & S_IFMT == S_IFREG else { throw .system(source, "copied", code: EINVAL) }
        let to = unsafe open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard to >= 0 else { throw .system(unfinished, "written") }
        defer { close(to) }
        try copy(from, to)
        // A file that is written to while it is copied is a copy of nothing.
        var after = stat()
        guard unsafe fstat(from, &after) == 0, Self.times(before) == Self.times(after), before.st_size == after.st_size
        else {
            _ = unsafe unlink(unfinished)
            throw .system(source, "copied, since it has changed", code: EAGAIN)
        }
        guard unsafe futimens(to, Self.times(before).pair) == 0, fsync(to) == 0 else {
            throw .system(unfinished, "written to the disk")
        }
        guard unsafe rename(unfinished, target) == 0 else { throw .system(unfinished, "moved to \(target)") }
    }

    private func copy(_ from: Int32, _ to: Int32) throws(InboxError) {
        var piece = [UInt8](repeating: 0, count: Self.pieceSize)
        while true {
            let count = unsafe read(from, &piece, Self.pieceSize)
            guard count >= 0 else { throw .system(source, "read") }
            if count == 0 { return }
            var written = 0
            while written < count {
                let next = unsafe piece.withUnsafeBytes { bytes in
                    unsafe write(
                        to, UnsafeRawBufferPointer(rebasing: bytes[written..<count]).baseAddress, count - written)
                }
                guard next > 0 else { throw .system(unfinished, "written") }
                written += next
            }
        }
    }

    /// The times of a file, comparable.
    private struct Times: Equatable {
        let pair: [timespec]

        static func == (left: Times, right: Times) -> Bool {
            left.pair[1].tv_sec == right.pair[1].tv_sec && left.pair[1].tv_nsec == right.pair[1].tv_nsec
        }
    }

    private static func times(_ status: stat) -> Times {
        #if canImport(Darwin)
            Times(pair: [status.st_atimespec, status.st_mtimespec])
        #else
            Times(pair: [status.st_atim, status.st_mtim])
        #endif
    }
}
