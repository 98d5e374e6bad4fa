import DurableFiles
import GRDB

extension Ledger {
    /// Writes the ledger as it is at this moment into one file, by SQLite's online backup, beside whoever works on it.
    ///
    /// The file is there whole or not at all, and nobody else may read it: it has the ledger's secret.
    ///
    /// - Returns: the bytes of the file.
    package func backup(to path: String) throws(LedgerError) -> Int {
        let unfinished = path + ".part"
        do {
            try FileSystem.remove(unfinished)
            // SQLite makes its files with the mode of the process, and this one has a secret.
            try OpenFile(unfinished, for: .making).setPermissions(0o600)
            var configuration = Configuration()
            configuration.label = "backup"
            let target = try DatabaseQueue(path: unfinished, configuration: configuration)
            try database.backup(to: target)
            // One file is what there is to keep: no log beside it.
            try target.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try target.close()
            try OpenFile(unfinished, for: .changing).sync()
            try FileSystem.rename(unfinished, to: path)
            try? FileSystem.syncFolder(FileSystem.folder(of: path))
            return try FileSystem.status(path)?.size ?? 0
        } catch {
            for ending in ["", "-wal", "-shm", "-journal"] { try? FileSystem.remove(unfinished + ending) }
            if let error = error as? FileError { throw LedgerError(error, doing: "write the backup") }
            throw LedgerError(error, doing: "write the backup \(path)", folder: folder)
        }
    }

    /// Records that nothing is known to exist any more: what the sources assert stays, and what no source asserts is
    /// forgotten. Runs that were not finished are void.
    ///
    /// - Parameter run: the run that says so, which takes the place of those that were not finished.
    package func doubtEverything(from run: String) throws(LedgerError) {
        let bits = PackedStanding.confirmationBits
        try writing("mark what exists as unknown") { db in
            try db.execute(sql: "DELETE FROM association WHERE standing >> 5 = 0")
            try db.execute(
                sql: "UPDATE association SET standing = standing & ~? WHERE standing & ? != 0", arguments: [bits, bits])
        }
        for stopped in try runs(in: [.stopped, .applying]) where stopped.id != run {
            try updateRun(stopped.id) { record in
                record.state = .stopped
                record.supersededBy = record.supersededBy ?? run
            }
        }
    }

    /// Whether the file at a path is one that `backup` could have written, as far as its first bytes tell.
    static func isDatabase(_ path: String) -> Bool {
        guard let file = try? OpenFile(path, for: .reading) else { return false }
        var head = [UInt8](repeating: 0, count: 16)
        var span = head.mutableSpan
        guard (try? file.read(into: &span, at: 0)) == 16 else { return false }
        return head == Array("SQLite format 3\0".utf8)
    }
}
