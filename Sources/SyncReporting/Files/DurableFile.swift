import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that is there whole or not at all: written under another name, forced to the disk, then renamed.
package struct DurableFile: ~Copyable, Sendable {
    /// Readers of the folder never take this for a finished file.
    static let unfinished = ".part"
    private static let bufferSize = 1 << 18

    private let path: String
    private let file: FileHandle
    private var buffer: [UInt8] = []

    /// Creates the file under its unfinished name, in place of one that an interrupted run left.
    ///
    /// - Parameter permissions: reports name owners, so that by default nobody else reads them.
    package init(path: String, permissions: Int = 0o600) throws {
        self.path = path
        let unfinished = path + Self.unfinished
        try? FileManager.default.removeItem(atPath: unfinished)
        // unsafe: C's open reads the path while it runs. O_EXCL: a link that somebody put there is not followed.
        let descriptor = unsafe open(unfinished, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode_t(permissions))
        guard descriptor >= 0 else { throw ReportNotWritten(path: path, reason: Self.reason(errno)) }
        file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        buffer.reserveCapacity(Self.bufferSize + 4096)
    }

    /// Lets the caller append bytes, which reach the file when enough have come together.
    package mutating func append(_ bytes: (inout [UInt8]) -> Void) throws {
        bytes(&buffer)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    private mutating func flush() throws {
        try orAbandon { try file.write(contentsOf: buffer) }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Forces everything to the disk and gives the file its name.
    package mutating func finish() throws {
        try flush()
        try orAbandon {
            try file.synchronize()
            try file.close()
        }
        // unsafe: C's rename reads both paths while it runs.
        guard unsafe rename(path + Self.unfinished, path) == 0 else {
            let reason = Self.reason(errno)
            abandon()
            throw ReportNotWritten(path: path, reason: reason)
        }
        Self.synchronizeFolder(of: path)
    }

    private func orAbandon(_ work: () throws -> Void) throws {
        do {
            try work()
        } catch {
            abandon()
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            throw ReportNotWritten(
                path: path, reason: cause.map { Self.reason(Int32($0.code)) } ?? error.localizedDescription)
        }
    }

    /// What cannot be finished must not take room on a disk that may be full.
    private func abandon() {
        try? FileManager.default.removeItem(atPath: path + Self.unfinished)
    }

    /// Writes a whole file.
    static func write(_ bytes: some Sequence<UInt8>, to path: String, permissions: Int = 0o600) throws {
        var file = try DurableFile(path: path, permissions: permissions)
        try file.append { $0.append(contentsOf: bytes) }
        try file.finish()
    }

    /// The new name survives a power cut only once the folder is on the disk, too; some file systems cannot promise it.
    private static func synchronizeFolder(of path: String) {
        synchronize(folder: URL(filePath: path).deletingLastPathComponent().path)
    }

    /// Brings the names in a folder to the disk, where the file system can.
    package static func synchronize(folder: String) {
        guard let handle = FileHandle(forReadingAtPath: folder) else { return }
        try? handle.synchronize()
        try? handle.close()
    }

    private static func reason(_ code: Int32) -> String {
        // unsafe: the text that strerror points to is copied before anything else can ask for another.
        unsafe String(cString: strerror(code))
    }
}

/// A part of a report could not be written, for instance because the disk is full.
package struct ReportNotWritten: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String {
        "cannot write \(path): \(reason); see that its folder exists, has room and may be written, then try again"
    }
}
