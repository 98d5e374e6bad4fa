import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import SyncEngine

/// The ledger that the settings name, for commands that can do without the store.
enum LedgerAccess {
    /// Opens the ledger of a command, hands it to `body` and closes it; needs no credentials. Unless a ledger may be made,
    /// it is only read, beside whoever works on it.
    ///
    /// If `api.base-url` and `api.client-id` are both set, the ledger has to belong to that store. Throws the `Ending` if
    /// there is no ledger, or it cannot be used.
    ///
    /// - Parameters:
    ///   - makesLedger: whether a ledger is made if there is none.
    ///   - absent: the value if there is none; nil if that is refused.
    static func with<Value>(
        _ invocation: Invocation, makesLedger: Bool = false, absent: Value? = nil, _ body: (Ledger) throws -> Value
    ) throws -> Value {
        try with(try invocation.load().settings, makesLedger: makesLedger, absent: absent, body)
    }

    /// The same with settings that are loaded already.
    static func with<Value>(
        _ settings: Settings, makesLedger: Bool = false, absent: Value? = nil, _ body: (Ledger) throws -> Value
    ) throws -> Value {
        let store = try store(settings)
        let ledger: Ledger
        do {
            ledger =
                makesLedger
                ? try Ledger.open(folder: settings.stateFolder, store: store, now: Date())
                : try Ledger.openForReading(folder: settings.stateFolder, store: store, now: Date())
        } catch {
            guard error.kind == .absent else { throw Ending(error) }
            if let absent { return absent }
            throw Ending(
                error,
                again: makesLedger
                    ? "set api.base-url and api.client-id to say which store a new ledger belongs to, then "
                        + TypedCommand.asTyped
                    : "cartsync sync EXPORT makes one, or give --state FOLDER")
        }
        defer {
            do { try ledger.close() } catch { Terminal.message("cartsync: warning: \(error)") }
        }
        return try endings { try body(ledger) }
    }

    /// Does some work with a ledger; throws the `Ending` that tells why it cannot be done.
    static func endings<Value>(_ work: () throws -> Value) throws -> Value {
        do {
            return try work()
        } catch let failure as RunFailure {
            throw Ending(failure)
        } catch let error as LedgerError {
            throw Ending(error)
        }
    }

    /// The store that the settings name; nil if they do not name one.
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
}
