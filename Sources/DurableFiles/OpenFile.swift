#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that is open until its last user lets go of it.
///
/// Every function throws a `FileError` that names the path.
package final class OpenFile: Sendable {
    package enum Purpose: Sendable {
        /// To read what is there. A named pipe does not make the program wait for its writer.
        case reading
        /// As `reading`, but a symbolic link is refused with `ELOOP`.
        case readingNoLink
        /// To write it anew, in place of one that is there; a symbolic link is refused with `ELOOP`.
        case replacing
        /// To write a new one; a file or link of this name is refused with `EEXIST`.
        case making
        /// To write behind what is there; made if it is missing.
        case appending
        /// To read and change it; made if it is missing.
        case changing

        fileprivate var isReading: Bool { [.reading, .readingNoLink].contains(self) }

        fileprivate var flags: Int32 {
            switch self {
            case .reading: O_RDONLY | O_NONBLOCK
            case .readingNoLink: O_RDONLY | O_NONBLOCK | O_NOFOLLOW
            case .replacing: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
            case .making: O_WRONLY | O_CREAT | O_EXCL
            case .appending: O_WRONLY | O_CREAT | O_APPEND
            case .changing: O_RDWR | O_CREAT
            }
        }
    }

    /// The path as it was given.
    package let path: String
    private let descriptor: Int32
    private let isOwned: Bool

    /// - Parameter permissions: the mode of a file that is made, less what the process's mask takes away.
    package init(_ path: String, for purpose: Purpose, permissions: UInt16 = 0o600) throws(FileError) {
        self.path = path
        isOwned = true
        do throws(SystemError) {
            if purpose.isReading, let lent = LentFiles.with(path) {
                descriptor = try lent.open(path, followingLinks: purpose == .reading)
            } else {
                descriptor = try SystemCalls.open(path, purpose.flags, permissions)
            }
        } catch {
            throw FileError(path, purpose.isReading ? .open : .write, code: error.code)
        }
    }

    /// Opens a file of a folder, whatever its path leads to meanwhile; a link is refused with `ELOOP`.
    ///
    /// - Parameter permissions: the mode of a file that is made, less what the process's mask takes away.
    package init(
        _ name: String, in folder: OpenFolder, for purpose: Purpose, permissions: UInt16 = 0o600
    ) throws(FileError) {
        path = folder.path(of: name)
        isOwned = true
        do {
            descriptor = try folder.open(name, purpose.flags, permissions)
        } catch {
            throw FileError(path, purpose.isReading ? .open : .write, code: error.code)
        }
    }

    /// Makes a file without a name: it disappears when it is closed, however the program ends.
    package init(unnamedIn folder: String) throws(FileError) {
        path = folder
        isOwned = true
        let name = "\(folder)/.unnamed-" + String(UInt64.random(in: .min ... .max), radix: 36)
        do throws(SystemError) {
            descriptor = try SystemCalls.open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
            try SystemCalls.removeFile(name)
        } catch {
            throw FileError(folder, .makeSpill, code: error.code)
        }
    }

    private init(path: String, borrowing descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
        isOwned = false
    }

    private init(path: String, owning descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
        isOwned = true
    }

    package static func standardInput() throws(FileError) -> OpenFile {
        let name = "standard input"
        guard let lent = LentFiles.current else { return OpenFile(path: name, borrowing: STDIN_FILENO) }
        do {
            return OpenFile(path: name, owning: try lent.open("-"))
        } catch {
            throw FileError(name, .open, code: error.code)
        }
    }

    package static let standardOutput = OpenFile(path: "standard output", borrowing: STDOUT_FILENO)

    deinit {
        if isOwned { SystemCalls.close(descriptor) }
    }

    /// Does something with the descriptor, which must not outlive the file.
    package func withDescriptor<Value>(_ body: (Int32) throws -> Value) rethrows -> Value { try body(descriptor) }

    /// Waits until there is something to read, or the end; false if neither came in so many milliseconds.
    package func waitToRead(milliseconds: Int32) throws(FileError) -> Bool {
        try act(.read) { () throws(SystemError) in
            try SystemCalls.waitToRead(descriptor, milliseconds: milliseconds)
        }
    }

    /// Reads on; returns 0 only at the end of the file.
    package func read(into buffer: inout MutableSpan<UInt8>) throws(FileError) -> Int {
        // Unsafe because C takes an address and a length; both come from the same span.
        try unsafe buffer.withUnsafeMutableBytes { buffer throws(FileError) in
            try act(.read) { () throws(SystemError) in try unsafe SystemCalls.read(descriptor, buffer) }
        }
    }

    /// The bytes from here to the end.
    ///
    /// - Parameter limit: a larger file is refused with `EFBIG`.
    package func contents(limit: Int = .max) throws(FileError) -> [UInt8] {
        let status = try status()
        guard status.kind != .folder else { throw FileError(path, .read, code: EISDIR) }
        var contents: [UInt8] = []
        contents.reserveCapacity(min(status.size, limit))
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var span = block.mutableSpan
            let count = try read(into: &span)
            if count == 0 { return contents }
            guard contents.count + count <= limit else { throw FileError(path, .read, code: EFBIG) }
            contents.append(contentsOf: block[..<count])
        }
    }

    /// Reads from an offset on until the buffer is full; returns fewer bytes only at the end of the file.
    package func read(into buffer: inout MutableSpan<UInt8>, at offset: Int) throws(FileError) -> Int {
        // Unsafe only because raw bytes may make an invalid value of other types.
        var bytes = unsafe buffer.mutableBytes
        return try read(into: &bytes, at: offset)
    }

    func read(into buffer: inout MutableRawSpan, at offset: Int) throws(FileError) -> Int {
        // Unsafe because C takes an address and a length; both come from the same span.
        try unsafe buffer.withUnsafeMutableBytes { buffer throws(FileError) in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let count = try act(.read) { () throws(SystemError) in
                    try unsafe SystemCalls.read(descriptor, rest, at: offset + done)
                }
                guard count > 0 else { break }
                done += count
            }
            return done
        }
    }

    /// Writes all bytes, at an offset if one is given.
    package func write(_ bytes: Span<UInt8>, at offset: Int? = nil) throws(FileError) {
        // Unsafe only because the bytes of other types may have gaps.
        try write(unsafe bytes.bytes, at: offset)
    }

    func write(_ bytes: RawSpan, at offset: Int?) throws(FileError) {
        // Unsafe because C takes an address and a length; both come from the same span.
        try unsafe bytes.withUnsafeBytes { bytes throws(FileError) in
            var done = 0
            while done < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
                let count = try act(.write) { () throws(SystemError) in
                    guard let offset else { return try unsafe SystemCalls.write(descriptor, rest) }
                    return try unsafe SystemCalls.write(descriptor, rest, at: offset + done)
                }
                guard count > 0 else { throw FileError(path, .write, code: ENOSPC) }
                done += count
            }
        }
    }

    package func write(_ bytes: [UInt8]) throws(FileError) { try write(bytes.span) }

    /// Brings everything that was written to the disk; does nothing for a pipe or a device.
    package func sync() throws(FileError) {
        try act(.sync) { () throws(SystemError) in
            do throws(SystemError) {
                try SystemCalls.sync(descriptor)
            } catch {
                if try SystemCalls.status(of: descriptor).kind != .special { throw error }
            }
        }
    }

    /// Makes it empty.
    package func truncate() throws(FileError) {
        try act(.write) { () throws(SystemError) in try SystemCalls.truncate(descriptor) }
    }

    package func status() throws(FileError) -> FileStatus {
        try act(.look) { () throws(SystemError) in try SystemCalls.status(of: descriptor) }
    }

    /// Sets the mode, whatever the process's mask is.
    package func setPermissions(_ permissions: UInt16) throws(FileError) {
        try act(.setMode) { () throws(SystemError) in try SystemCalls.setMode(descriptor, permissions) }
    }

    /// Sets the times, both from 1970 on.
    package func setTimes(accessed: Duration, modified: Duration) throws(FileError) {
        try act(.write) { () throws(SystemError) in
            try SystemCalls.setTimes(descriptor, accessed: accessed, modified: modified)
        }
    }

    /// Takes the file's lock, which the kernel takes back when the file is closed, however the program ends; returns
    /// false if another has it.
    ///
    /// - Parameter shared: whether others may have it at the same time, if they share it too.
    package func lock(shared: Bool = false) throws(FileError) -> Bool {
        do {
            try SystemCalls.lock(descriptor, shared: shared)
            return true
        } catch {
            guard error.code == EWOULDBLOCK else { throw FileError(path, .lock, code: error.code) }
            return false
        }
    }

    private func act<Value>(
        _ action: FileError.Action, _ call: () throws(SystemError) -> Value
    ) throws(FileError) -> Value {
        do {
            return try call()
        } catch {
            throw FileError(path, action, code: error.code)
        }
    }
}
