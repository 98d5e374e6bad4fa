import CartAssociations
import DurableFiles

/// The folder that holds the ledger: made with mode 0700, its files with 0600, whatever the umask.
enum StateFolder {
    /// Makes the folder, and those above it, if it is missing; refuses one that everybody may write to.
    static func prepare(_ folder: String) throws(LedgerError) {
        guard
            let status = try doing(
                "look at the state folder", { () throws(FileError) in try FileSystem.status(folder) })
        else { return try make(folder) }
        guard status.kind == .folder else {
            throw LedgerError(
                .storage, path: folder, problem: "is a file, and the state folder is expected there",
                advice: "choose another folder with --state")
        }
        guard status.permissions & 0o002 == 0 else {
            throw LedgerError(
                .storage, path: folder, problem: "everybody may write to the state folder",
                advice: "run 'chmod o-w \(ShellWord.quoted(folder))', or choose another with --state")
        }
    }

    private static func make(_ folder: String) throws(LedgerError) {
        do {
            try FileSystem.makeFolder(folder, permissions: 0o700)
        } catch {
            throw LedgerError(
                .storage, path: folder, problem: "the state folder cannot be made: \(error.reason)",
                advice: "make it yourself, or choose another with --state")
        }
        try doing("set the mode of the state folder") { () throws(FileError) in
            try FileSystem.setPermissions(folder, 0o700)
        }
    }

    /// Throws if a folder never had a ledger; touches nothing.
    static func requireLedger(_ files: LedgerFiles) throws(LedgerError) {
        if FileSystem.exists(files.marker) || FileSystem.exists(files.swapNote) { return }
        // A first run that ended before it recorded anything leaves an empty file and no marker.
        guard let size = try size(ofDatabase: files), size > 0 else { throw LedgerError.absent(files.folder) }
    }

    /// Sees to it that the database file is there with mode 0600, empty if it is new.
    ///
    /// SQLite gives its other files the same mode. A zero-byte file is a healthy, empty database to SQLite: only
    /// the marker tells a ledger that was emptied from a first run.
    static func prepareDatabase(_ files: LedgerFiles, isExpected: Bool) throws(LedgerError) {
        if let size = try size(ofDatabase: files) {
            guard isExpected && size == 0 else { return }
            throw LedgerError.emptied(files)
        }
        guard !isExpected else {
            throw LedgerError(
                .missing, path: files.database, problem: "the ledger is gone, and its marker is still there",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
        try doing("make the ledger") { () throws(FileError) in
            try OpenFile(files.database, for: .making).setPermissions(0o600)
        }
    }

    /// In bytes; nil if there is no database file.
    private static func size(ofDatabase files: LedgerFiles) throws(LedgerError) -> Int? {
        try doing("look at the ledger") { () throws(FileError) in try FileSystem.status(files.database)?.size }
    }

    /// Writes a file as a whole or not at all: after a power cut it holds the old or the new bytes.
    static func replace(_ path: String, with text: String) throws(LedgerError) {
        try doing("write") { () throws(FileError) in
            try DurableFile.write(text.utf8, to: path, mustSyncFolder: true)
        }
    }

    /// Makes a call on files, with its error as the ledger's.
    static func doing<Value>(
        _ action: String, _ call: () throws(FileError) -> Value
    ) throws(LedgerError) -> Value {
        do {
            return try call()
        } catch {
            throw LedgerError(error, doing: action)
        }
    }
}

extension LedgerError {
    /// What could not be done with a file of the state folder.
    init(_ error: FileError, doing action: String) {
        self.init(
            .storage, path: error.path, problem: "could not \(action): \(error.reason)",
            advice: "make sure that the state folder is writable and has free space, then run the command again")
    }
}
