import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import SyncEngine

/// The settings of one command, found and checked before anything else is touched.
enum Invocation {
    /// Loads the settings; flags that were not given are nil.
    ///
    /// Throws the `Ending` that lists all problems at once.
    static func load(
        _ flags: [[String: String]], config: String?, usual: Settings = Settings(),
        adjust: (inout Settings) -> Void = { _ in }
    ) async throws -> LoadedSettings {
        var given: [String: String] = [:]
        for (key, value) in flags.joined() {
            given[key] = value
        }
        var loaded: LoadedSettings
        do {
            loaded = try SettingsLoader(flags: given, file: config, usual: usual).load()
        } catch {
            throw Ending(
                status: error.areAllFlags ? .usage : .badSettings,
                details: error.lines.map { "cartsync: \($0)" }.joined(separator: "\n"),
                summary: error.lines.count == 1 ? "one problem" : "\(error.lines.count) problems",
                next: "cartsync --help, or correct what is listed above and run the command again")
        }
        // As a flag, a number of deletes is a person's approval of one run; as a setting it is the usual limit.
        if case .count(let approved)? = given["guard.max-deletes"].flatMap(Limit.init) {
            loaded.settings.planGuard.approvedDeletes = approved
        }
        adjust(&loaded.settings)
        return loaded
    }
}

/// What a command that calls the API cannot do without.
struct StoreAccess {
    let baseURL: String
    let clientID: String
    /// Empty where shoppers' tokens are used and none is set: an implicit token needs no secret.
    let clientSecret: String

    /// Throws the `Ending` that names every setting that is missing.
    init(_ settings: Settings) throws {
        let secret = settings.clientSecret ?? (settings.authentication == .shopper ? "" : nil)
        let required: [(key: String, value: String?)] = [
            ("api.base-url", settings.baseURL), ("api.client-id", settings.clientID), ("api.client-secret", secret),
        ]
        let missing = required.filter { $0.value == nil }.compactMap { entry in
            Setting.all.first { $0.key == entry.key }
        }
        guard missing.isEmpty, let baseURL = settings.baseURL, let clientID = settings.clientID,
            let clientSecret = secret
        else {
            let lines = missing.map { setting in
                "cartsync: \(setting.key) is not set: \(setting.summary); "
                    + "set \(setting.vendorVariable ?? setting.variable) in the environment"
                    + (setting.isSecret ? "" : ", or \(setting.key) in \(SettingsFile.usualPath)")
            }
            throw Ending(
                status: .badSettings, details: lines.joined(separator: "\n"), summary: "the store is not set",
                next: "set what is listed above and run the command again, or try cartsync demo")
        }
        self.baseURL = baseURL
        self.clientID = clientID
        self.clientSecret = clientSecret
    }
}

extension StoreAccess: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "\(baseURL), client \(clientID), secret hidden" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: ["baseURL": baseURL, "clientID": clientID]) }
}

/// Where the ledger and the reports are.
enum StateFolder {
    /// The folder that is set, or systemd's, or the one of the XDG base directories.
    static func path(_ settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment)
        -> String
    {
        if let path = settings.stateDirectory { return path }
        // systemd lists several folders with colons between them; the first is the unit's own.
        if let path = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(path) }
        // The XDG base directory specification: empty is the same as unset, and a relative path is ignored.
        if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") { return base + "/cartsync" }
        return NSHomeDirectory() + "/.local/state/cartsync"
    }
}
