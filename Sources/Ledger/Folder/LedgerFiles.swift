/// Where the ledger's files are in a state folder.
struct LedgerFiles {
    let folder: String

    static let databaseName = "ledger.sqlite"

    var database: String { folder + "/" + Self.databaseName }
    var lock: String { folder + "/ledger.lock" }
    var marker: String { folder + "/ledger.marker" }
    var log: String { database + "-wal" }
    var sharedMemory: String { database + "-shm" }
    /// Says that the ledger is being replaced.
    var swapNote: String { folder + "/ledger.swap" }
    /// The ledger that is to replace this one.
    var replacement: LedgerFiles { LedgerFiles(folder: folder + "/ledger-rebuild") }
}

extension Ledger {
    /// The names of the files in a state folder that grow with what the ledger knows.
    package static let fileNames = [LedgerFiles.databaseName, LedgerFiles.databaseName + "-wal"]
}
