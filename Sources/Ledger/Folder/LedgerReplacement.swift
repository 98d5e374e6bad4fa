package import Foundation

/// A new ledger that takes the place of a folder's own, which may be damaged or gone.
///
/// It is filled in a folder of its own while the state folder is locked; the old ledger stays as it is until `finish`,
/// and is kept beside the new one afterwards.
package final class LedgerReplacement {
    /// The new ledger.
    package let ledger: Ledger
    private let files: LedgerFiles
    private let lock: FolderLock
    private let now: Date

    /// Locks the state folder and makes an empty ledger of this store, which is not in its place yet.
    ///
    /// Throws where another process holds the folder, or it cannot be written.
    package init(folder: String, store: StoreIdentity, now: Date = Date()) throws(LedgerError) {
        files = LedgerFiles(folder: folder)
        self.now = now
        try StateFolder.prepare(folder)
        lock = try FolderLock(path: files.lock, folder: folder)
        // What an earlier try was about to put in place comes first: the old ledger is what is there then.
        try LedgerSwap.complete(files)
        try? FileManager.default.removeItem(atPath: files.replacement.folder)
        ledger = try Ledger.open(folder: files.replacement.folder, store: store, now: now)
    }

    /// Puts the new ledger in the place of the old one, and returns the folder that has the old one's files; nil where
    /// there were none.
    ///
    /// After a crash or a power cut the folder has the one or the other, never some files of each.
    package func finish() throws(LedgerError) -> String? {
        try ledger.close()
        let swap = LedgerSwap(files, old: files.folder + "/ledger-before-" + RunRecord.time(of: now))
        try swap.begin()
        try LedgerSwap.complete(files)
        lock.release()
        return FileManager.default.fileExists(atPath: swap.old.folder) ? swap.old.folder : nil
    }

    /// Forgets the new ledger; the old one is as it was.
    package func abandon() {
        try? ledger.close()
        try? FileManager.default.removeItem(atPath: files.replacement.folder)
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
        try StateFolder.replace(files.swapNote, with: old.folder + "\n", in: files.folder)
    }

    /// Completes what a note says; does nothing where there is none.
    static func complete(_ files: LedgerFiles) throws(LedgerError) {
        guard let swap = try underWay(files) else { return }
        for step in swap.steps { try step.take() }
    }

    /// The exchange that the folder's note tells of; nil where there is no note.
    static func underWay(_ files: LedgerFiles) throws(LedgerError) -> LedgerSwap? {
        guard FileManager.default.fileExists(atPath: files.swapNote) else { return nil }
        guard let text = try? String(contentsOfFile: files.swapNote, encoding: .utf8), text.hasSuffix("\n") else {
            throw StateFolder.failure(files.swapNote, "read the note of a rebuild")
        }
        return LedgerSwap(files, old: String(text.dropLast()))
    }

    /// One step, which does nothing where it was done before.
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
            Step { () throws(LedgerError) in try StateFolder.remove(new.folder) },
            Step { () throws(LedgerError) in
                // Empty where there was no old ledger.
                StateFolder.removeIfEmpty(old.folder)
                try StateFolder.remove(files.swapNote)
                try StateFolder.sync(files.folder)
            },
        ]
    }

    /// Moves a file as long as another one is still where it was.
    private func move(_ path: String, to target: String, while other: String) -> Step {
        Step { () throws(LedgerError) in
            let manager = FileManager.default
            guard manager.fileExists(atPath: other), manager.fileExists(atPath: path) else { return }
            try StateFolder.rename(path, to: target)
            try StateFolder.sync(old.folder)
            try StateFolder.sync(files.folder)
        }
    }
}
