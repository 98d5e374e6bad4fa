package import CartAssociations
import DurableFiles
package import Foundation
import GRDB

/// The only memory of the program: which source asserted which associations, which of them exist, every run, and
/// the journal of every planned change and its outcome.
///
/// One process works on it at a time, over one connection; others may read it meanwhile, each as it was when they opened
/// it. What a method has recorded when it returns survives a power cut. All methods block for the time of the database's
/// work; visitors that are called while rows are read must not call the ledger again, drafts excepted.
package final class Ledger: Sendable {
    /// The state folder.
    package let folder: String
    /// The ledger's own random id, in hexadecimal.
    package let id: String
    /// The store that the ledger belongs to.
    package let store: StoreIdentity
    /// When the ledger was made.
    package let created: Date
    /// The secret that keys its fingerprints.
    package let fingerprintKey: FingerprintKey

    let database: DatabaseQueue
    /// Nil if it was opened for reading, as the marker.
    private let lock: FolderLock?
    private let marker: LedgerMarker?
    /// The moment that is read, if it was opened for reading beside a process that works on it.
    package let moment: Date?

    private init(
        folder: String, identity: LedgerIdentity, database: DatabaseQueue, lock: FolderLock?, marker: LedgerMarker?,
        moment: Date? = nil
    ) {
        self.folder = folder
        id = identity.ledger
        store = identity.store
        created = identity.created
        fingerprintKey = identity.fingerprintKey
        self.database = database
        self.lock = lock
        self.marker = marker
        self.moment = moment
    }

    /// Opens the ledger of a state folder, or makes both if they are missing.
    ///
    /// Refuses (see `LedgerError.Kind`) if another process holds the folder, the ledger belongs to another
    /// store, or it is missing, emptied, older than it was, damaged or not writable. `now` dates a new ledger.
    ///
    /// - Parameters:
    ///   - store: the store that it has to belong to; nil takes the ledger's own word for it, and then nothing can
    ///     be made if it is missing.
    package static func open(
        folder: String, store: StoreIdentity?, now: Date
    ) throws(LedgerError) -> Ledger {
        let files = LedgerFiles(folder: folder)
        if store == nil { try StateFolder.requireLedger(files) }
        try StateFolder.prepare(folder)
        let lock = try FolderLock(path: files.lock, folder: folder)
        try LedgerSwap.complete(files)
        let expected = try LedgerMarker.read(files)
        try StateFolder.prepareDatabase(files, isExpected: expected != nil)
        do {
            let database = try DatabaseQueue(path: files.database, configuration: LedgerSchema.configuration())
            let identity = try LedgerSchema.bringUp(database, files: files, store: store, now: now)
            let marker = try LedgerMarker.agree(expected, with: identity, files: files)
            let ledger = Ledger(folder: folder, identity: identity, database: database, lock: lock, marker: marker)
            try ledger.tidyInterruptedPlans()
            return ledger
        } catch {
            throw LedgerError(error, doing: "open the ledger", folder: folder)
        }
    }

    /// Opens the ledger of a state folder as it is at this moment, beside a process that works on it.
    ///
    /// Takes no lock, changes nothing and never makes that process wait or fail; later changes are not seen, and methods
    /// that record throw. Refuses as `open` does, and a folder without a ledger. A ledger that an earlier version of the
    /// program wrote, or whose replacement was interrupted, is brought up to date first if no other process holds it.
    package static func openForReading(
        folder: String, store: StoreIdentity?, now: Date
    ) throws(LedgerError) -> Ledger {
        let files = LedgerFiles(folder: folder)
        try StateFolder.requireLedger(files)
        try StateFolder.prepare(folder)
        if FileSystem.exists(files.swapNote) { try bringUpToDate(files, now) }
        // Before the ledger: a marker never says more than the ledger has.
        let expected = try LedgerMarker.read(files)
        let wasHeld = FolderLock.isHeld(path: files.lock)
        if expected != nil { try StateFolder.prepareDatabase(files, isExpected: true) }
        do {
            var database = try LedgerSchema.openForReading(files)
            if try !LedgerSchema.isUpToDate(database) {
                try database.close()
                try bringUpToDate(files, now)
                database = try LedgerSchema.openForReading(files)
            }
            let identity = try LedgerSchema.identify(database, files: files, store: store)
            if let expected { _ = try LedgerMarker.agree(expected, with: identity, files: files) }
            // A process that ended meanwhile has recorded how its run ended, but not in what is read here.
            let isHeld = wasHeld || FolderLock.isHeld(path: files.lock)
            return Ledger(
                folder: folder, identity: identity, database: database, lock: nil, marker: nil,
                moment: isHeld ? now : nil)
        } catch {
            throw LedgerError(error, doing: "open the ledger", folder: folder)
        }
    }

    private static func bringUpToDate(_ files: LedgerFiles, _ now: Date) throws(LedgerError) {
        try open(folder: files.folder, store: nil, now: now).close()
    }

    /// Writes everything back into one file, closes it and lets the next process in.
    package func close() throws(LedgerError) {
        do {
            try database.close()
        } catch {
            throw LedgerError(error, doing: "close the ledger", folder: folder)
        }
        lock?.release()
    }

    /// A number that grows with every change to what the ledger holds: a plan that was made at another one is stale.
    package func revision() throws(LedgerError) -> Int64 {
        try reading("read its revision") { try LedgerIdentity.revision($0) }
    }

    /// SQLite's version, for `doctor`.
    package static var sqliteVersion: String { PreparedStatement.libraryVersion }

    /// Checks every page and row; returns the problems in SQLite's words; empty if the ledger is sound.
    ///
    /// Takes about a second for each gigabyte that the ledger has.
    package func check() throws(LedgerError) -> [String] {
        do {
            return try reading("check itself") { db in
                try String.fetchAll(db, sql: "PRAGMA quick_check").filter { $0 != "ok" }
            }
        } catch {
            // Some damage ends the check itself.
            guard error.kind == .damaged else { throw error }
            return [error.problem]
        }
    }

    /// Whether it was opened for reading.
    var isForReading: Bool { lock == nil }

    /// Whether it was opened for reading and no process works on it.
    var isAbandoned: Bool { lock == nil && moment == nil }

    /// Reads, with the database's errors sorted.
    func reading<Value>(_ action: String, _ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        do {
            return try atOneMoment(body)
        } catch {
            throw LedgerError(error, doing: action, folder: folder)
        }
    }

    /// Reads in one transaction, of which nothing would stay. The library's own `read` forbids writing by a pragma, at which
    /// SQLite compiles every statement of the connection again.
    private func atOneMoment<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try database.inDatabase { db in
            // One that is read beside another process is in a transaction for as long as it is open.
            guard !db.isInsideTransaction else { return try body(db) }
            try db.beginTransaction(.deferred)
            defer { try? db.rollback() }
            return try body(db)
        }
    }

    /// Gives back the memory of pages that were read, as far as nobody reads them now.
    package func giveBackMemory() { database.releaseMemory() }

    /// Reads with a visitor, whose own errors pass through as they are.
    func visiting<Value>(_ action: String, _ body: (Database) throws -> Value) throws -> Value {
        do {
            return try atOneMoment(body)
        } catch let error as DatabaseError {
            throw LedgerError(error, doing: action, folder: folder)
        }
    }

    /// Writes in one transaction that moves the revision on, with the database's errors sorted.
    func writing<Value>(_ action: String, _ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        do {
            return try database.write { db in
                try LedgerIdentity.advanceRevision(db)
                return try body(db)
            }
        } catch {
            throw LedgerError(error, doing: action, folder: folder)
        }
    }

    /// Writes what says nothing of associations, so that no plan becomes stale by it.
    func noting<Value>(_ action: String, _ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        do {
            return try database.write(body)
        } catch {
            throw LedgerError(error, doing: action, folder: folder)
        }
    }

    /// Makes the marker remember the present revision, so that an older copy of the ledger is recognised.
    func advanceMarker() throws(LedgerError) {
        try marker?.advance(to: try revision())
    }
}
