package import DurableFiles
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An export that is open for reading, as many times as needed.
///
/// It stays the same file however its path is renamed or replaced, and every reading checks that its size, its time
/// and its digest have not changed since it was opened.
package final class ExportFile: Sendable {
    /// The path as it was given, or `standard input`.
    package let name: String
    /// What the manifest that lists it with others says of it; nil if it came by itself.
    let listed: ExportManifest?
    /// An existing folder for temporary files.
    let spoolFolder: String
    /// The folder that it was opened in; nil if it was opened by its path.
    private let folder: OpenFolder?
    private let file: OpenFile
    /// What tells one state of the file from another.
    private let status: FileStatus
    private let digest = Mutex<String?>(nil)

    /// The size in bytes when it was opened, as stored.
    package var size: Int { status.size }

    /// The time of its last change since 1970; of a copy of standard input, when it was made.
    package var modified: Duration { status.modified }

    private init(
        name: String, listed: ExportManifest? = nil, _ file: OpenFile, in folder: OpenFolder? = nil,
        spoolFolder: String
    ) throws(FileError) {
        self.name = name
        self.listed = listed
        self.folder = folder
        self.spoolFolder = spoolFolder.isEmpty ? NSTemporaryDirectory() : spoolFolder
        self.file = file
        status = try file.status()
    }

    /// The name of an export that came from standard input.
    package static let standardInput = "standard input"

    /// Opens the export at a path, or copies standard input if the path is `-`.
    ///
    /// - Parameters:
    ///   - spoolFolder: the existing folder for the copy of standard input and other temporary files, which have no name
    ///     in it and are gone when the export is closed, however the program ends; empty for the system's.
    ///   - listed: what the manifest that lists it with others says of it.
    ///   - isStopped: whether standard input is no longer wanted, however long its writer takes; asked several times a second.
    ///
    /// Throws an unreadable `ExportError` if there is no regular file at the path or it may not be read, an unwritable one if
    /// standard input cannot be copied, and `CancellationError` if it is no longer wanted.
    package static func open(
        _ path: String, spoolFolder: String, listed: ExportManifest? = nil, isStopped: () -> Bool = { false }
    ) throws -> ExportFile {
        if path == "-" {
            let input: OpenFile
            do throws(FileError) {
                input = try OpenFile.standardInput()
            } catch {
                throw unreadable(standardInput, error)
            }
            return try spool(input, name: standardInput, folder: spoolFolder, isStopped: isStopped)
        }
        return try opened(path) { () throws(FileError) in
            try ExportFile(
                name: path, listed: listed, try OpenFile(path, for: .reading), spoolFolder: spoolFolder)
        }
    }

    /// Opens an export of a folder, and later what lies beside it, whatever the folder's path leads to then. No link is
    /// followed.
    ///
    /// Throws as `open(_:spoolFolder:)` does.
    ///
    /// - Parameters:
    ///   - spoolFolder: the existing folder for temporary files; empty for the system's.
    ///   - listed: what the manifest that lists it with others says of it.
    package static func open(
        _ name: String, in folder: OpenFolder, spoolFolder: String = "", listed: ExportManifest? = nil
    ) throws -> ExportFile {
        try opened(folder.path(of: name)) { () throws(FileError) in
            try ExportFile(
                name: folder.path(of: name), listed: listed, try OpenFile(name, in: folder, for: .readingNoLink),
                in: folder, spoolFolder: spoolFolder)
        }
    }

    private static func opened(_ path: String, _ open: () throws(FileError) -> ExportFile) throws -> ExportFile {
        let file: ExportFile
        do throws(FileError) {
            file = try open()
        } catch {
            throw unreadable(path, error)
        }
        guard file.status.kind == .regular else {
            throw ExportError(
                .notAFile, file: path, problem: "not a regular file",
                advice: "give the path of one CSV or XML file, or - for standard input")
        }
        return file
    }

    /// Opens a file that says something of the export, by its path beside it; nil if there is none.
    ///
    /// A link is not followed: what it leads to is not what was written for the export. Throws an unreadable
    /// `ExportError` for one, and for what may not be read.
    func companion(_ path: String) throws -> OpenFile? {
        do throws(FileError) {
            guard let folder else { return try OpenFile(path, for: .readingNoLink) }
            return try OpenFile(FileSystem.name(of: path), in: folder, for: .readingNoLink)
        } catch {
            // A name that is too long for the file system is that of no file.
            if [ENOENT, ENOTDIR, ENAMETOOLONG].contains(error.code) { return nil }
            throw Self.unreadable(path, error)
        }
    }

    /// Copies everything that can be read into an unnamed temporary file and opens that.
    static func spool(
        _ source: OpenFile, name: String, folder: String, isStopped: () -> Bool = { false }
    ) throws -> ExportFile {
        func writing<Value>(_ call: () throws(FileError) -> Value) throws -> Value {
            do throws(FileError) {
                return try call()
            } catch {
                throw ExportError(
                    .writeFailed, file: folder, problem: "standard input cannot be copied there: \(error.reason)",
                    advice: "make room or choose another state folder, or give the export as a file")
            }
        }
        let copy = try writing { () throws(FileError) in try OpenFile(unnamedIn: folder) }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            if isStopped() { throw CancellationError() }
            let count: Int
            do throws(FileError) {
                // Whoever writes it may take any time.
                guard try source.waitToRead(milliseconds: 200) else { continue }
                var room = buffer.mutableSpan
                count = try source.read(into: &room)
            } catch {
                throw ExportError(
                    .readFailed, file: name, problem: "it is closed or cannot be read: \(error.reason)",
                    advice: "pipe an export into it, or give the path of a file")
            }
            if count == 0 { break }
            try writing { () throws(FileError) in try copy.write(buffer.span.extracting(0..<count)) }
        }
        return try writing { () throws(FileError) in try ExportFile(name: name, copy, spoolFolder: folder) }
    }

    /// Reads bytes as stored until the buffer is full; returns fewer only at the end of the file.
    func read(into buffer: inout MutableSpan<UInt8>, at offset: Int) throws -> Int {
        do throws(FileError) {
            return try file.read(into: &buffer, at: offset)
        } catch {
            throw Self.unreadable(name, error)
        }
    }

    /// The bytes of the whole file, of which there are so many at most.
    func contents(limit: Int) throws(FileError) -> [UInt8] { try file.contents(limit: limit) }

    /// The SHA-256 of the file's bytes as stored, in hexadecimal; reads the whole file.
    ///
    /// Throws an unreadable `ExportError` if it cannot be read, or a refusal if it changes while it is read.
    package func sha256() throws -> String {
        let stored = StoredBytes(self)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while try stored.read(into: &buffer, range: buffer.indices) == buffer.count {}
        let digest = stored.sha256()
        try checkUnchanged(bytesRead: stored.count, sha256: digest)
        return digest
    }

    /// Throws if the file is no longer the one that was opened.
    func checkUnchanged() throws {
        let now = try? file.status()
        guard now?.inode == status.inode, now?.device == status.device, now?.size == status.size,
            now?.modified == status.modified
        else { throw changed() }
    }

    /// Throws if a whole reading did not see the file that was opened, or that an earlier reading saw.
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

    private static func unreadable(_ path: String, _ error: FileError) -> ExportError {
        switch error.code {
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
                .readFailed, file: path, problem: "reading failed: \(error.reason)",
                advice: "check the disk or the mount that holds it, and run again")
        }
    }
}
