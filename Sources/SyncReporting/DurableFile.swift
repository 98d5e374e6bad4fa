import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that is there whole or not at all: written under another name, forced to the disk, then renamed.
struct DurableFile: ~Copyable, Sendable {
    /// Readers of the folder never take this for a finished file.
    static let unfinished = ".part"
    private static let bufferSize = 1 << 18

    private let path: String
    private let file: FileHandle
    private var buffer: [UInt8] = []

    /// Creates the file under its unfinished name, in place of one that an interrupted run left.
    ///
    /// - Parameter permissions: reports name owners, so that by default nobody else reads them.
    init(path: String, permissions: Int = 0o600) throws {
        self.path = path
        let unfinished = path + Self.unfinished
        try? FileManager.default.removeItem(atPath: unfinished)
        guard
            FileManager.default.createFile(
                atPath: unfinished, contents: nil, attributes: [.posixPermissions: permissions]),
            let file = FileHandle(forWritingAtPath: unfinished)
        else {
            throw ReportNotWritten(path: path, reason: "the file cannot be created")
        }
        self.file = file
        buffer.reserveCapacity(Self.bufferSize + 4096)
    }

    /// Lets the caller append bytes, which reach the file when enough have come together.
    mutating func append(_ bytes: (inout [UInt8]) -> Void) throws {
        bytes(&buffer)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    private mutating func flush() throws {
        do {
            try file.write(contentsOf: buffer)
        } catch {
            throw ReportNotWritten(path: path, reason: Self.reason(error))
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Forces everything to the disk and gives the file its name.
    mutating func finish() throws {
        try flush()
        do {
            try file.synchronize()
            try file.close()
        } catch {
            throw ReportNotWritten(path: path, reason: Self.reason(error))
        }
        guard unsafe rename(path + Self.unfinished, path) == 0 else {
            throw ReportNotWritten(
                path: path, reason: POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO).localizedDescription)
        }
        try Self.synchronizeFolder(of: path)
    }

    /// Writes a whole file.
    static func write(_ bytes: some Sequence<UInt8>, to path: String, permissions: Int = 0o600) throws {
        var file = try DurableFile(path: path, permissions: permissions)
        try file.append { $0.append(contentsOf: bytes) }
        try file.finish()
    }

    /// The new name is only safe once the folder is on the disk, too.
    private static func synchronizeFolder(of path: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard let handle = FileHandle(forReadingAtPath: folder) else { return }
        try? handle.synchronize()
        try? handle.close()
    }

    private static func reason(_ error: any Error) -> String {
        let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        return (cause ?? error).localizedDescription
    }
}

/// A part of a report could not be written, for instance because the disk is full.
package struct ReportNotWritten: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String {
        "cannot write \(path): \(reason); make room or correct the permissions, then write the report again"
    }
}
