import DurableFiles
import Foundation

/// A file that is being fetched: `.NAME.part`, with `.NAME.version` beside it, which says whose bytes those are.
///
/// Both survive the process, so that a later attempt goes on where this one ended. To be used by one task.
package final class PartialFile {
    let path: String
    /// More bytes are refused.
    let limit: Int
    private let versionPath: String
    private var file: OpenFile?
    /// The bytes that are there.
    package private(set) var size = 0
    /// The version that the bytes are of; nil if there are none to go on from.
    private(set) var version: ExportVersion?

    /// - Parameters:
    ///   - folder: where the file lies, without a slash at its end.
    ///   - limit: the most bytes of an export.
    package init(folder: String, name: String, limit: Int) {
        path = Self.path(folder: folder, name: name)
        versionPath = "\(folder)/\(FileName.fitting(name, before: ".", ending: ".version"))"
        self.limit = limit
        guard let text = try? FileSystem.contents(versionPath),
            let version = try? JSONDecoder().decode(ExportVersion.self, from: Data(text)), let size = sizeOnDisk(),
            size > 0
        else { return }
        (self.version, self.size) = (version, size)
    }

    /// The path of the file that is being fetched under a name.
    package static func path(folder: String, name: String) -> String {
        "\(folder)/\(self.name(of: name))"
    }

    /// The name that a file has in its folder while it is fetched under a name.
    package static func name(of name: String) -> String { FileName.fitting(name, before: ".", ending: ".part") }

    /// Begins to write the bytes of a version.
    ///
    /// - Parameter keeping: whether the bytes that are there are of it, and stay.
    func begin(_ version: ExportVersion, keeping: Bool) throws(SourceError) {
        do {
            if !keeping {
                discard()
                try DurableFile.write(try JSONEncoder().encode(version), to: versionPath)
            }
            let file = try OpenFile(path, for: .appending)
            size = try file.status().size
            self.file = file
            self.version = version
        } catch {
            throw failure(error)
        }
    }

    /// Throws if the disk is nearly full, or the export larger than the limit; what is there of it is removed then.
    func append(_ bytes: [UInt8]) throws(SourceError) {
        guard size + bytes.count <= limit else { throw tooLarge(size + bytes.count) }
        if size / Self.roomCheck != (size + bytes.count) / Self.roomCheck { try requireRoom(bytes.count) }
        do throws(FileError) {
            try file?.write(bytes)
        } catch {
            throw failure(error)
        }
        size += bytes.count
    }

    /// As often the disk is asked how much is free, in bytes.
    private static let roomCheck = 1 << 20

    /// Throws if there is no room for so many bytes.
    package func requireRoom(_ bytes: Int) throws(SourceError) {
        let folder = FileSystem.folder(of: path)
        guard let problem = (try? FreeSpace(at: folder))?.problem(bytes) else { return }
        discard()
        throw SourceError("there is no room for the export: \(problem)", ofOneExport: true)
    }

    /// Notes what another program wrote into the file.
    func measure() throws(SourceError) {
        size = sizeOnDisk() ?? 0
        guard size <= limit else { throw tooLarge(size) }
    }

    /// Forces the file to the disk and forgets its version.
    ///
    /// - Parameter modified: the time since 1970 that the file gets; nil leaves it as it is.
    package func finish(modified: Duration?) throws(SourceError) {
        file = nil
        do throws(FileError) {
            let file = try OpenFile(path, for: .changing)
            if let modified { try file.setTimes(accessed: modified, modified: modified) }
            try file.sync()
        } catch {
            throw failure(error)
        }
        try? FileSystem.remove(versionPath)
    }

    /// The SHA-256 of the bytes that are there, in hexadecimal digits.
    package func digest() throws(SourceError) -> String { try Digest.sha256(ofFile: path) }

    /// Removes what is there: it is of no use.
    package func discard() {
        file = nil
        for path in [path, versionPath] { try? FileSystem.remove(path) }
        (size, version) = (0, nil)
    }

    private func sizeOnDisk() -> Int? { (try? FileSystem.status(path))??.size }

    private func tooLarge(_ size: Int) -> SourceError {
        discard()
        return SourceError(
            "the export has \(size) bytes or more, and \(limit) are allowed; raise source.max-size if it is right",
            ofOneExport: true)
    }

    private func failure(_ error: any Error) -> SourceError {
        guard let error = error as? FileError else { return SourceError("\(path) cannot be written: \(error)") }
        // A part that waits for the rest of it keeps others from their room.
        if error.isOfFullDisk { discard() }
        let advice = error.isOfFullDisk ? "make room on its disk" : "see that its folder exists and may be written"
        return SourceError(
            "\(path) cannot be written: \(error.reason); \(advice)", ofOneExport: error.isOfFullDisk)
    }
}
