package import Foundation

/// A file that is being fetched: `.NAME.part`, with `.NAME.version` beside it, which says whose bytes those are.
///
/// Both survive the process, so that a later attempt goes on where this one ended. To be used by one task.
package final class PartialFile {
    package let path: String
    /// More bytes are refused.
    package let limit: Int
    private let versionPath: String
    private var handle: FileHandle?
    /// The bytes that are there.
    package private(set) var size = 0
    /// The version that the bytes are of; nil where there are none to go on from.
    package private(set) var version: ExportVersion?

    /// - Parameters:
    ///   - folder: where the file lies, without a slash at its end.
    ///   - limit: the most bytes of an export.
    package init(folder: String, name: String, limit: Int) {
        path = Self.path(folder: folder, name: name)
        versionPath = "\(folder)/.\(name).version"
        self.limit = limit
        guard let text = FileManager.default.contents(atPath: versionPath),
            let version = try? JSONDecoder().decode(ExportVersion.self, from: text), let size = sizeOnDisk(), size > 0
        else { return }
        (self.version, self.size) = (version, size)
    }

    package static func path(folder: String, name: String) -> String { "\(folder)/.\(name).part" }

    deinit {
        try? handle?.close()
    }

    /// Begins with the bytes of a version, after those that are there where they are of it.
    package func begin(_ version: ExportVersion, keeping: Bool) throws(SourceError) {
        do {
            if !keeping {
                discard()
                try JSONEncoder().encode(version).write(to: URL(filePath: versionPath), options: .atomic)
                guard
                    FileManager.default.createFile(
                        atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
                else { throw CocoaError(.fileWriteNoPermission) }
            }
            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            size = Int(try handle.seekToEnd())
            self.handle = handle
            self.version = version
        } catch {
            throw failure(error)
        }
    }

    /// Throws where the disk is full, or the export larger than the limit.
    package func append(_ bytes: Data) throws(SourceError) {
        guard size + bytes.count <= limit else { throw tooLarge(size + bytes.count) }
        do {
            try handle?.write(contentsOf: bytes)
        } catch {
            throw failure(error)
        }
        size += bytes.count
    }

    /// Takes note of what another program wrote into the file.
    package func measure() throws(SourceError) {
        size = sizeOnDisk() ?? 0
        guard size <= limit else { throw tooLarge(size) }
    }

    /// Forces the file to the disk, with a time of its own to the millisecond where there is one, and forgets its version.
    package func finish(modified: Duration?) throws(SourceError) {
        do {
            try handle?.close()
            handle = nil
            let file = try FileHandle(forUpdating: URL(filePath: path))
            try file.synchronize()
            try file.close()
            if let modified {
                // Foundation makes a whole second of the last half microsecond before one, and the system refuses that.
                let seconds = (modified / .milliseconds(1)).rounded() / 1000
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: path)
            }
        } catch {
            throw failure(error)
        }
        try? FileManager.default.removeItem(atPath: versionPath)
    }

    /// Removes what is there: it is of no use.
    package func discard() {
        try? handle?.close()
        handle = nil
        try? FileManager.default.removeItem(atPath: path)
        try? FileManager.default.removeItem(atPath: versionPath)
        (size, version) = (0, nil)
    }

    private func sizeOnDisk() -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size].flatMap { $0 as? NSNumber }?.intValue
    }

    private func tooLarge(_ size: Int) -> SourceError {
        discard()
        return SourceError(
            "the export has \(size) bytes or more, and \(limit) are allowed; raise source.max-size if it is right")
    }

    private func failure(_ error: any Error) -> SourceError {
        SourceError("\(path) cannot be written: \(error.localizedDescription); is the disk full?")
    }
}
