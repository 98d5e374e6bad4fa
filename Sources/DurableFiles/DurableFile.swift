/// A file that is there whole or not at all: written under another name, brought to the disk, then renamed.
///
/// Every function throws a `FileError` that names the final path; what was written until then is removed, because the
/// disk may be full. So is a file that is let go of before `finish`.
package struct DurableFile: ~Copyable, Sendable {
    /// The end of the name until the file is whole; readers of a folder never take such a file for a finished one.
    static let unfinished = ".part"
    private static let bufferSize = 1 << 18

    private let path: String
    /// Nil once the file has its name.
    private var file: OpenFile?
    private var buffer: [UInt8] = []

    /// Makes the file under its unfinished name, in place of one that an interrupted program left.
    ///
    /// - Parameter permissions: the mode, less what the process's mask takes away; by default nobody else reads it.
    package init(path: String, permissions: UInt16 = 0o600) throws(FileError) {
        self.path = path
        do throws(FileError) {
            try FileSystem.remove(path + Self.unfinished)
            // A link that was put there in the meantime is not followed.
            file = try OpenFile(path + Self.unfinished, for: .making, permissions: permissions)
        } catch {
            throw FileError(path, .write, code: error.code)
        }
        buffer.reserveCapacity(Self.bufferSize + 4096)
    }

    deinit {
        if file != nil { try? FileSystem.remove(path + Self.unfinished) }
    }

    /// Appends bytes, which reach the file when enough have come together.
    package mutating func append(_ bytes: some Sequence<UInt8>) throws(FileError) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Moves the finished rows of a CSV file to the end of this one.
    package mutating func append(_ rows: inout CSVWriter) throws(FileError) {
        buffer.append(contentsOf: rows.bytes)
        rows.removeAll()
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Brings everything to the disk, gives the file its name, and brings the name to the disk.
    ///
    /// - Parameter mustSyncFolder: whether it is an error that the file system cannot bring names to the disk; some
    ///   network file systems cannot.
    package mutating func finish(mustSyncFolder: Bool = false) throws(FileError) {
        try flush()
        do throws(FileError) {
            try file?.sync()
            try FileSystem.rename(path + Self.unfinished, to: path)
        } catch {
            throw abandoned(error.code)
        }
        file = nil
        do {
            try FileSystem.syncFolder(FileSystem.folder(of: path))
        } catch {
            if mustSyncFolder { throw error }
        }
    }

    private mutating func flush() throws(FileError) {
        do throws(FileError) {
            try file?.write(buffer)
        } catch {
            throw abandoned(error.code)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// The error of a file that cannot be finished; what there is of it is removed.
    private mutating func abandoned(_ code: Int32) -> FileError {
        file = nil
        try? FileSystem.remove(path + Self.unfinished)
        return FileError(path, .write, code: code)
    }

    /// Writes a whole file.
    package static func write(
        _ bytes: some Sequence<UInt8>, to path: String, permissions: UInt16 = 0o600, mustSyncFolder: Bool = false
    ) throws(FileError) {
        var file = try DurableFile(path: path, permissions: permissions)
        try file.append(bytes)
        try file.finish(mustSyncFolder: mustSyncFolder)
    }

    /// Writes a copy of a whole file.
    package static func copy(_ path: String, to target: String, permissions: UInt16 = 0o600) throws(FileError) {
        let file = try OpenFile(path, for: .reading)
        var copy = try DurableFile(path: target, permissions: permissions)
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            var span = piece.mutableSpan
            let count = try file.read(into: &span)
            if count == 0 { break }
            try copy.append(piece[..<count])
        }
        try copy.finish()
    }
}
