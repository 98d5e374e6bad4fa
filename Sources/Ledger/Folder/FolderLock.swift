import DurableFiles
import Foundation
import Synchronization

/// The kernel's lock on a state folder: it ends with the process, however that ends, so it is never stale.
final class FolderLock: Sendable {
    private let file: Mutex<OpenFile?>

    /// Takes the lock, or says which process has it.
    init(path: String, folder: String) throws(LedgerError) {
        let file = try StateFolder.doing("open the lock of the state folder") { () throws(FileError) in
            try OpenFile(path, for: .changing)
        }
        let isFree = try StateFolder.doing("lock the state folder") { () throws(FileError) in
            // Who only asks has the lock for an instant, so that one refusal proves nothing.
            for _ in 0..<100 where try file.lock() { return true }
            return false
        }
        guard isFree else {
            throw LedgerError(
                .locked, path: folder, problem: "the state folder is in use by \(Self.holder(path))",
                advice: "run the command again when that one has ended, or choose another folder with --state")
        }
        self.file = Mutex(file)
        // Only a courtesy to the next process: the lock holds whether or not this can be written.
        try? file.setPermissions(0o600)
        try? file.truncate()
        try? file.write(Array("\(ProcessInfo.processInfo.processIdentifier)\n".utf8))
    }

    /// Whether a process has the lock now; true as well if that cannot be told.
    static func isHeld(path: String) -> Bool {
        guard FileSystem.exists(path) else { return false }
        guard let file = try? OpenFile(path, for: .reading), let isFree = try? file.lock(shared: true) else {
            return true
        }
        return !isFree
    }

    func release() {
        file.withLock { $0 = nil }
    }

    /// The process that holds the lock, by the number in the lock file.
    private static func holder(_ path: String) -> String {
        let bytes = (try? FileSystem.contents(path, limit: 32)) ?? []
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let process = Int32(text) else { return "another process" }
        return process == ProcessInfo.processInfo.processIdentifier ? "this process" : "process \(process)"
    }
}
