import DurableFiles
import Foundation
import GRDB

/// The tables, and how the connection is set up.
enum LedgerSchema {
    /// Marks the file as a ledger of ours in its header: `cart` in ASCII.
    private static let applicationID = 0x6361_7274

    /// A ledger up to this size is checked page by page when it is opened, which takes at most a tenth of a second.
    private static let checkedBytes = 32 << 20

    /// The pages that a connection holds, in KiB as SQLite takes it.
    static let cacheSize = -8_000

    /// WAL with synchronous FULL is what survives power cuts; the memory map is off so that every write is one that
    /// the file system orders. What is deleted is overwritten, so that no person who is forgotten is left in free pages. One row of `association` takes about 120 bytes: larger pages than SQLite's 4,096
    /// make scans of millions of rows a third faster.
    static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA page_size = 8192;
                    PRAGMA mmap_size = 0;
                    PRAGMA cache_size = \(cacheSize);
                    PRAGMA cell_size_check = ON;
                    PRAGMA trusted_schema = OFF;
                    PRAGMA secure_delete = ON;
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = FULL;
                    PRAGMA journal_size_limit = 67108864;
                    """)
            try RowPick.register(in: db)
            try StandingJoin.register(in: db)
        }
        return configuration
    }

    /// Opens the database as it is at this moment: one transaction, which ends when the connection is closed.
    ///
    /// The connection can neither write nor checkpoint.
    static func openForReading(_ files: LedgerFiles) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "ledger, for reading"
        configuration.readonly = true
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA mmap_size = 0;
                    PRAGMA cache_size = \(cacheSize);
                    PRAGMA cell_size_check = ON;
                    PRAGMA trusted_schema = OFF;
                    """)
            try RowPick.register(in: db)
        }
        let database = try DatabaseQueue(path: files.database, configuration: configuration)
        try database.inDatabase { db in
            try db.beginTransaction(.deferred)
            // The moment is that of the first read.
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema")
        }
        return database
    }

    /// Whether a ledger has the tables of this version of the program, or of a newer one.
    static func isUpToDate(_ database: DatabaseQueue) throws -> Bool {
        let migrator = migrator(store: nil, now: .distantPast)
        return try database.read { db in
            try migrator.hasCompletedMigrations(db) || migrator.hasBeenSuperseded(db)
                || Int.fetchOne(db, sql: "PRAGMA application_id") != applicationID
        }
    }

    /// Refuses a database that is not a ledger of ours, or that of another store, and returns its identity.
    ///
    /// - Parameter store: the store that it has to belong to; nil takes the ledger's own word for it.
    static func identify(
        _ database: DatabaseQueue, files: LedgerFiles, store: StoreIdentity?
    ) throws -> LedgerIdentity {
        try database.read { try judge($0, migrator(store: nil, now: .distantPast), files: files, isExpected: true) }
        let identity = try fetchIdentity(database, files)
        if let store, identity.store != store, try database.read({ try !LedgerIdentity.isUnbound($0) }) {
            throw otherStore(identity.store, store, folder: files.folder)
        }
        return identity
    }

    /// Makes the tables of a new ledger and returns its identity; refuses a database that is not a ledger of ours.
    ///
    /// Without a store the ledger says which one it belongs to, so that a new one is refused.
    static func bringUp(
        _ database: DatabaseQueue, files: LedgerFiles, store: StoreIdentity?, now: Date
    ) throws -> LedgerIdentity {
        let migrator = migrator(store: store, now: now)
        try database.read { try judge($0, migrator, files: files, isExpected: store == nil) }
        try migrator.migrate(database)
        let identity = try fetchIdentity(database, files)
        if let store, identity.store != store {
            // A first try with a mistyped URL must not tie the folder to a store that does not exist.
            guard try database.write({ try LedgerIdentity.rebind($0, to: store) }) else {
                throw otherStore(identity.store, store, folder: files.folder)
            }
        }
        return try database.read { try LedgerIdentity.fetch($0) } ?? identity
    }

    /// Refuses a database that is not a sound ledger of ours, or one without tables if tables are expected.
    private static func judge(
        _ db: Database, _ migrator: DatabaseMigrator, files: LedgerFiles, isExpected: Bool
    ) throws {
        let isNew = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard !isExpected || !isNew else {
            throw FileSystem.exists(files.marker) ? LedgerError.emptied(files) : LedgerError.absent(files.folder)
        }
        guard try isNew || Int.fetchOne(db, sql: "PRAGMA application_id") == applicationID else {
            throw LedgerError(
                .damaged, path: files.database, problem: "is not a ledger of cartsync",
                advice: "choose another folder with --state")
        }
        guard try !migrator.hasBeenSuperseded(db) else {
            throw LedgerError(
                .newer, path: files.database, problem: "a newer version of cartsync wrote the ledger",
                advice: "run that version, or choose another folder with --state")
        }
        let bytes = try Int.fetchOne(
            db, sql: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        guard let bytes, bytes <= checkedBytes else { return }
        let problems = try String.fetchAll(db, sql: "PRAGMA quick_check(1)").filter { $0 != "ok" }
        guard problems.isEmpty else {
            throw LedgerError(
                .damaged, path: files.database, problem: "damaged: \(problems.joined(separator: "; "))",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
    }

    private static func fetchIdentity(_ database: DatabaseQueue, _ files: LedgerFiles) throws -> LedgerIdentity {
        guard let identity = try database.read({ try LedgerIdentity.fetch($0) }) else {
            throw LedgerError(
                .damaged, path: files.database, problem: "the ledger does not say which store it belongs to",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
        return identity
    }

    private static func otherStore(_ own: StoreIdentity, _ other: StoreIdentity, folder: String) -> LedgerError {
        LedgerError(
            .otherStore, path: folder, problem: "the ledger belongs to \(own), not to \(other)",
            advice: "use the settings of that store, or choose another folder with --state")
    }

    /// Every version of the tables. A published migration never changes; later ones are added below it.
    private static func migrator(store: StoreIdentity?, now: Date) -> DatabaseMigrator {
        var migrator = DatabaseMigrator().disablingDeferredForeignKeyChecks()
        migrator.registerMigration("1") { db in
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: tables)
            // A new ledger without a store was refused before.
            if let store { try LedgerIdentity.insert(db, store: store, now: now) }
        }
        migrator.registerMigration("exports seen") { try $0.execute(sql: exportsSeen) }
        // The bits of `RecordOrders`; null if they are not known.
        migrator.registerMigration("orders of exports") {
            try $0.execute(sql: "ALTER TABLE export ADD COLUMN orders INTEGER")
        }
        migrator.registerMigration("keys of owners") { try $0.execute(sql: ownerKeys) }
        // What was found in a list that has not been read to its end; without an owner for a key that several have.
        migrator.registerMigration("lists that are being read") {
            try $0.execute(
                sql: """
                    CREATE TABLE listed_key (
                        key BLOB PRIMARY KEY,
                        owner TEXT NOT NULL,
                        owners INTEGER NOT NULL
                    ) WITHOUT ROWID
                    """)
        }
        migrator.registerMigration("removed runs") { try $0.execute(sql: removedRuns) }
        // Sources whose assertions of a kind of owner are those of a backup, see `markAssertionsOld`.
        migrator.registerMigration("old assertions") {
            try $0.execute(
                sql: """
                    CREATE TABLE old_assertion (
                        source TEXT NOT NULL,
                        owner_kind INTEGER NOT NULL,
                        PRIMARY KEY (source, owner_kind)
                    ) WITHOUT ROWID
                    """)
        }
        return migrator
    }

    private static let tables = """
        CREATE TABLE identity (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            ledger TEXT NOT NULL,
            base_url TEXT NOT NULL,
            client_id TEXT NOT NULL,
            created INTEGER NOT NULL,
            fingerprint_key BLOB NOT NULL,
            revision INTEGER NOT NULL
        );

        CREATE TABLE run (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            source TEXT NOT NULL,
            state TEXT NOT NULL,
            saved_plan TEXT,
            creates INTEGER NOT NULL DEFAULT 0,
            deletes INTEGER NOT NULL DEFAULT 0,
            record TEXT NOT NULL
        );

        CREATE TABLE source (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE
        );

        -- Many associations share few different sets of sources: each set is stored once, its members' ids
        -- ascending and separated by commas. Set 0 is the empty one and has no row.
        CREATE TABLE source_set (
            id INTEGER PRIMARY KEY,
            members TEXT NOT NULL UNIQUE
        );

        -- In the order of carts, as runs work: the outcomes of a transaction meet few pages. The standing holds
        -- three small numbers, see PackedStanding.
        CREATE TABLE association (
            cart TEXT NOT NULL,
            owner_kind INTEGER NOT NULL,
            owner TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            standing INTEGER NOT NULL,
            since INTEGER NOT NULL,
            run INTEGER,
            export INTEGER,
            record INTEGER,
            line INTEGER,
            PRIMARY KEY (cart, owner_kind, owner)
        ) WITHOUT ROWID;

        -- Entries of a run have its number in the upper 32 bits of their id and their place in the order of work
        -- in the lower ones.
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            owner_kind INTEGER NOT NULL,
            owner TEXT NOT NULL,
            cart TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            export INTEGER,
            record INTEGER,
            line INTEGER,
            -- What the cart is created with before the association, if it is missing.
            cart_name TEXT,
            cart_description TEXT
        );

        CREATE TABLE outcome (
            entry INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            outcome INTEGER NOT NULL,
            answer INTEGER,
            status INTEGER,
            attempts INTEGER NOT NULL,
            service INTEGER,
            response INTEGER,
            at INTEGER NOT NULL,
            message TEXT
        );

        CREATE TABLE export (
            id INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            digest TEXT NOT NULL,
            run INTEGER NOT NULL,
            records INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            is_snapshot INTEGER NOT NULL,
            is_accepted INTEGER NOT NULL
        );
        CREATE INDEX export_source ON export (source, digest);
        """

    /// Which owners keys stand for, by the keys' fingerprints. Times are seconds since 1970.
    private static let ownerKeys = """
        CREATE TABLE owner_key (
            key BLOB PRIMARY KEY,
            owner TEXT NOT NULL,
            origin INTEGER NOT NULL,
            at INTEGER NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE owner_fact (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) WITHOUT ROWID;
        """

    /// What is still to be known of runs that are no longer kept. Times are milliseconds since 1970.
    private static let removedRuns = """
        CREATE INDEX run_state ON run (state, source);
        CREATE INDEX export_run ON export (run);

        -- Runs that are gone, and of which a journal or a folder may be left.
        CREATE TABLE removed_run (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL
        );

        -- The newest run of a source that is gone, and the latest time of an export that such a run applied; null if
        -- none had a time. An export until then may have been applied.
        CREATE TABLE removed_history (
            source TEXT PRIMARY KEY,
            newest TEXT NOT NULL,
            exports_until INTEGER
        ) WITHOUT ROWID;
        """

    /// What the sources have applied in the order of their exports, and what was seen of them. Times are milliseconds
    /// since 1970.
    private static let exportsSeen = """
        ALTER TABLE export ADD COLUMN time INTEGER;
        -- The sum of 1 for customers and 2 for accounts; null if it is not known.
        ALTER TABLE export ADD COLUMN owner_kinds INTEGER;

        CREATE TABLE seen_export (
            source TEXT NOT NULL,
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            stated INTEGER,
            time INTEGER NOT NULL,
            first_seen INTEGER NOT NULL,
            last_seen INTEGER NOT NULL,
            size INTEGER,
            digest TEXT,
            is_fetched INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            next_attempt INTEGER,
            problem TEXT,
            PRIMARY KEY (source, name, version)
        ) WITHOUT ROWID;
        """
}
