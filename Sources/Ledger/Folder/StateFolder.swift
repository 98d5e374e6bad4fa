import CartAssociations
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The folder that holds the ledger: made with mode 0700, its files with 0600, whatever the umask.
///
/// Each `unsafe` here passes a path or a buffer to C, which uses it only during the call.
enum StateFolder {
    /// Makes the folder, and those above it, where it is missing; refuses one that everybody may write to.
    static func prepare(_ folder: String) throws(LedgerError) {
        var isFolder: ObjCBool = false
        // Unsafe because Foundation writes the answer through the pointer, and only during the call.
        let exists = unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
        guard exists else {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw LedgerError(
                    .storage, path: folder, problem: "the state folder cannot be made: \(error.localizedDescription)",
                    advice: "make it yourself, or choose another with --state")
            }
            guard unsafe chmod(folder, 0o700) == 0 else { throw failure(folder, "set the mode of the state folder") }
            return
        }
        guard isFolder.boolValue else {
            throw LedgerError(
                .storage, path: folder, problem: "is a file, and the state folder is expected there",
                advice: "choose another folder with --state")
        }
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { throw failure(folder, "look at the state folder") }
        guard status.st_mode & S_IWOTH == 0 else {
            throw LedgerError(
                .storage, path: folder, problem: "everybody may write to the state folder",
                advice: "run 'chmod o-w \(ShellWord.quoted(folder))', or choose another with --state")
        }
    }

    /// Throws where a folder never had a ledger; touches nothing.
    static func requireLedger(_ files: LedgerFiles) throws(LedgerError) {
        let manager = FileManager.default
        if manager.fileExists(atPath: files.marker) || manager.fileExists(atPath: files.swapNote) { return }
        var status = stat()
        // Unsafe because stat fills the value through a pointer, and only during the call.
        guard unsafe stat(files.database, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw failure(files.database, "look at the ledger") }
            throw LedgerError.absent(files.folder)
        }
        // A first run that ended before it recorded anything leaves an empty file and no marker.
        guard status.st_size > 0 else { throw LedgerError.absent(files.folder) }
    }

    /// Sees to it that the database file is there with mode 0600, empty where it is new.
    ///
    /// SQLite gives its other files the same mode. A zero-byte file is a healthy, empty database to SQLite: only
    /// the marker tells a ledger that was emptied from a first run.
    static func prepareDatabase(_ files: LedgerFiles, isExpected: Bool) throws(LedgerError) {
        var status = stat()
        // Unsafe because stat fills the value through a pointer, and only during the call.
        if unsafe stat(files.database, &status) == 0 {
            guard isExpected && status.st_size == 0 else { return }
            throw LedgerError.emptied(files)
        }
        guard errno == ENOENT else { throw failure(files.database, "look at the ledger") }
        guard !isExpected else {
            throw LedgerError(
                .missing, path: files.database, problem: "the ledger is gone, and its marker is still there",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
        let descriptor = unsafe open(files.database, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(files.database, "make the ledger") }
        defer { _ = close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw failure(files.database, "set the mode of the ledger") }
    }

    /// Writes a file as a whole or not at all: after a power cut it holds the old or the new bytes.
    static func replace(_ path: String, with text: String, in folder: String) throws(LedgerError) {
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(temporary, "write") }
        defer { _ = close(descriptor) }
        let bytes = Array(text.utf8)
        // Unsafe because the C call takes an address and a length; both come from the same array.
        let written = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        guard written == bytes.count, fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
            throw failure(temporary, "write")
        }
        try rename(temporary, to: path)
        try sync(folder)
    }

    /// Gives a file another name, in the place of one that has it.
    static func rename(_ path: String, to target: String) throws(LedgerError) {
        #if canImport(Glibc)
            let code = unsafe Glibc.rename(path, target)
        #else
            let code = unsafe Darwin.rename(path, target)
        #endif
        guard code == 0 else { throw failure(target, "replace") }
    }

    /// Removes a file or a folder with all that is in it; does nothing where there is none.
    static func remove(_ path: String) throws(LedgerError) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw LedgerError(
                .storage, path: path, problem: "cannot be removed: \(error.localizedDescription)",
                advice: "give permission, then run the command again")
        }
    }

    static func removeIfEmpty(_ folder: String) {
        _ = unsafe rmdir(folder)
    }

    /// Brings the names in a folder to the disk.
    static func sync(_ folder: String) throws(LedgerError) {
        let opened = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw failure(folder, "open the state folder") }
        defer { _ = close(opened) }
        guard fsync(opened) == 0 else { throw failure(folder, "sync the state folder") }
    }

    /// The error of the system call that just failed.
    static func failure(_ path: String, _ action: String) -> LedgerError {
        let code = errno
        // Unsafe because the text belongs to the C library; it is copied before any other call.
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return LedgerError(
            .storage, path: path, problem: "could not \(action): \(reason)",
            advice: "make sure that the state folder is writable and has free space, then run the command again")
    }
}
