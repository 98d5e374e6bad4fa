import CartAssociations
import CommerceAPI
import Ledger
import SyncEngine

/// The ledger that the settings name, for commands that can do without the store.
enum LedgerAccess {
    /// Opens the ledger there is, without any credentials.
    ///
    /// Where `api.base-url` and `api.client-id` are both set, it has to belong to that store. Throws the `Ending`
    /// where there is none, or it cannot be used.
    ///
    /// - Parameter again: the command to type once it can be.
    static func open(_ settings: Settings, again: String) throws -> Ledger {
        try opened(settings, again: again) { store throws(LedgerError) in
            try Ledger.open(folder: StateFolder.path(settings), store: store, mustExist: true)
        }
    }

    /// Opens the ledger, or makes one where the settings say which store it shall belong to.
    static func openOrMake(_ settings: Settings, again: String) throws -> Ledger {
        let unknown = "set api.base-url and api.client-id to say which store a new ledger belongs to, then \(again)"
        return try opened(settings, again: again, absent: unknown) { store throws(LedgerError) in
            try Ledger.open(folder: StateFolder.path(settings), store: store)
        }
    }

    /// Does something with a ledger and closes it.
    ///
    /// Throws the `Ending` of what went wrong.
    static func with<Value>(_ ledger: Ledger, again: String, _ body: (Ledger) throws -> Value) throws -> Value {
        defer {
            do { try ledger.close() } catch { Terminal.message("cartsync: warning: \(error)") }
        }
        do {
            return try body(ledger)
        } catch let failure as RunFailure {
            throw Ending(failure, again: again)
        } catch let error as LedgerError {
            throw Ending(error, again: again)
        }
    }

    /// The store that the settings name; nil if they name none.
    ///
    /// Throws the `Ending` that says so if its address is invalid.
    static func store(_ settings: Settings) throws -> StoreIdentity? {
        guard let text = settings.baseURL, let clientID = settings.clientID else { return nil }
        do {
            return StoreIdentity(baseURL: try BaseURL(text).text, clientID: clientID)
        } catch {
            throw Ending(
                status: .badSettings, details: "cartsync: api.base-url: \(error.description)",
                next: "correct it and run the command again")
        }
    }

    /// A new ledger cannot be made without knowing whose it is.
    static let noStore = Ending(
        status: .badSettings,
        details: "cartsync: api.base-url and api.client-id are not set: they say which store a new ledger belongs to",
        next: "set EPCC_API_BASE_URL and EPCC_CLIENT_ID in the environment and run the command again")

    private static func opened(
        _ settings: Settings, again: String, absent: String = "cartsync sync EXPORT makes one, or give --state FOLDER",
        _ open: (StoreIdentity?) throws(LedgerError) -> Ledger
    ) throws -> Ledger {
        do {
            return try open(try store(settings))
        } catch let error as LedgerError {
            throw Ending(error, again: error.kind == .absent ? absent : again)
        }
    }
}
