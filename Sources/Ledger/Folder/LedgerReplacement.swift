import DurableFiles
package import Foundation

/// A new ledger that takes the place of a folder's own, which may be damaged or gone.
///
/// It is filled in a folder of its own while the state folder is locked; the old ledger stays as it is until `finish`,
/// and is kept beside the new one afterwards.
package final class LedgerReplacement {
    /// The new ledger.
    package let ledger: Ledger
    let files: LedgerFiles
    private let lock: FolderLock
    private let now: Date

    /// Locks the state folder and makes an empty ledger of this store, which is not in its place yet.
    ///
    /// Throws if another process holds the folder, or it cannot be written.
    package init(folder: String, store: StoreIdentity, now: Date) throws(LedgerError) {
        files = LedgerFiles(folder: folder)
        self.now = now
        try StateFolder.prepare(folder)
        lock = try FolderLock(path: files.lock, folder: folder)
        // What an earlier try was about to put in place comes first: the old ledger is what is there then.
        try LedgerSwap.complete(files)
        try? FileSystem.remove(files.replacement.folder)
        ledger = try Ledger.open(folder: files.replacement.folder, store: store, now: now)
    }

    /// Locks the state folder and makes a copy of a backup, which is not in its place yet.
    ///
    /// Throws if another process holds the folder, or the file is no sound backup of a ledger of this store.
    ///
    /// - Parameter store: the store that it has to belong to; nil takes the backup's own word for it.
    package init(folder: String, restoring backup: String, store: StoreIdentity?, now: Date) throws(LedgerError) {
        files = LedgerFiles(folder: folder)
        self.now = now
        guard Ledger.isDatabase(backup) else {
            throw LedgerError(
                .damaged, path: backup, problem: "is not a backup of a ledger, or cannot be read",
                advice: "give a file that ledger backup wrote")
        }
        try StateFolder.prepare(folder)
        lock = try FolderLock(path: files.lock, folder: folder)
        try LedgerSwap.complete(files)
        let own = files.replacement
        try? FileSystem.remove(own.folder)
        do throws(LedgerError) {
            try StateFolder.prepare(own.folder)
            try StateFolder.doing("copy the backup") { () throws(FileError) in
                try DurableFile.copy(backup, to: own.database)
            }
            ledger = try Ledger.open(folder: own.folder, store: store, now: now)
            let problems = try ledger.check()
            guard problems.isEmpty else {
                try ledger.close()
                throw LedgerError(
                    .damaged, path: backup, problem: "damaged: \(problems.prefix(3).joined(separator: "; "))",
                    advice: "give another backup, or \(LedgerError.rebuildAdvice(folder))")
            }
        } catch {
            try? FileSystem.remove(own.folder)
            lock.release()
            throw error
        }
    }

    /// Puts the new ledger in the place of the old one, and returns the folder that has the old one's files; nil if
    /// there were none.
    ///
    /// After a crash or a power cut the folder has the one or the other, never some files of each.
    package func finish() throws(LedgerError) -> String? {
        try ledger.close()
        let swap = LedgerSwap(files, old: files.folder + "/ledger-before-" + RunRecord.time(of: now))
        try swap.begin()
        try LedgerSwap.complete(files)
        lock.release()
        return FileSystem.exists(swap.old.folder) ? swap.old.folder : nil
    }

    /// Forgets the new ledger; the old one is as it was.
    package func abandon() {
        try? ledger.close()
        try? FileSystem.remove(files.replacement.folder)
        lock.release()
    }
}

/// The exchange of a folder's ledger for the one beside it, in steps that can be done again after a crash.
///
/// A note in the folder says that it is under way, and where the old files go: whoever opens the folder next completes
/// it. So before the note is written the old ledger is the folder's own, and from then on the new one.
struct LedgerSwap {
    private let files: LedgerFiles
    let old: LedgerFiles

    init(_ files: LedgerFiles, old: String) {
        self.files = files
        self.old = LedgerFiles(folder: old)
    }

    /// Writes the note.
    func begin() throws(LedgerError) {
        try StateFolder.replace(files.swapNote, with: old.folder + "\n")
    }

    /// Completes what a note says; does nothing if there is no note.
    static func complete(_ files: LedgerFiles) throws(LedgerError) {
        guard let swap = try underWay(files) else { return }
        for step in swap.steps { try step.take() }
    }

    /// The exchange that the folder's note tells of; nil if there is no note.
    static func underWay(_ files: LedgerFiles) throws(LedgerError) -> LedgerSwap? {
        guard FileSystem.exists(files.swapNote) else { return nil }
        let note = try StateFolder.doing("read the note of a rebuild") { () throws(FileError) in
            try FileSystem.contents(files.swapNote, limit: 1 << 16)
        }
        guard note.last == UInt8(ascii: "\n") else {
            throw LedgerError(
                .damaged, path: files.swapNote, problem: "the note of a rebuild is damaged",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
        return LedgerSwap(files, old: String(decoding: note.dropLast(), as: UTF8.self))
    }

    /// One step, which does nothing if it was done before.
    struct Step {
        let take: () throws(LedgerError) -> Void
    }

    /// All steps, in their order: a file of the new ledger comes in when the old one of its name is out of the way,
    /// and the write-ahead log goes before the database that it belongs to.
    var steps: [Step] {
        let new = files.replacement
        return [
            Step { () throws(LedgerError) in try StateFolder.prepare(old.folder) },
            move(files.log, to: old.log, while: new.database),
            move(files.sharedMemory, to: old.sharedMemory, while: new.database),
            move(files.database, to: old.database, while: new.database),
            move(new.database, to: files.database, while: new.database),
            move(files.marker, to: old.marker, while: new.marker),
            move(new.marker, to: files.marker, while: new.marker),
            Step { () throws(LedgerError) in
                try StateFolder.doing("remove") { () throws(FileError) in try FileSystem.remove(new.folder) }
            },
            Step { () throws(LedgerError) in
                // Empty if there was no old ledger.
                FileSystem.removeIfEmpty(old.folder)
                try StateFolder.doing("remove the note of a rebuild") { () throws(FileError) in
                    try FileSystem.remove(files.swapNote)
                    try FileSystem.syncFolder(files.folder)
                }
            },
        ]
    }

    /// Moves a file if another one still has its old name.
    private func move(_ path: String, to target: String, while other: String) -> Step {
        Step { () throws(LedgerError) in
            guard FileSystem.exists(other), FileSystem.exists(path) else { return }
            try StateFolder.doing("replace") { () throws(FileError) in
                try FileSystem.rename(path, to: target)
                try FileSystem.syncFolder(old.folder)
                try FileSystem.syncFolder(files.folder)
            }
        }
    }
}
