/// Where the ledger's files are in a state folder.
struct LedgerFiles {
    let folder: String

    static let databaseName = "ledger.sqlite"

    var database: String { folder + "/" + Self.databaseName }
    var lock: String { folder + "/ledger.lock" }
    var marker: String { folder + "/ledger.marker" }
}
