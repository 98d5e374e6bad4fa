import ArgumentParser
import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
import Ledger
import SyncEngine

/// A command as it was called: its words, and what its flags say of the settings.
struct Invocation: Sendable {
    let typed: TypedCommand
    /// What the flags give, by the key of the setting.
    private var flags: [String: String]
    /// The settings file that is named.
    let config: String?
    /// The exports that the command reads.
    private let exports: [String]

    /// - Parameters:
    ///   - flags: settings that the command gives besides those of its flags, which are stronger.
    ///   - exports: the exports that the command reads; settings may stand beside them.
    init(_ command: some ParsableCommand, giving flags: [String: String] = [:], exports: [String] = []) {
        self.exports = exports
        typed = TypedCommand(name: type(of: command).configuration.commandName ?? "")
        self.flags = flags
        var config: String?
        for (_, value) in Mirror(reflecting: command).children {
            if let group = value as? any GivenFlags { self.flags.merge(group.given) { _, flag in flag } }
            config = (value as? OptionGroup<SettingsFlags>)?.wrappedValue.config ?? config
        }
        self.config = config
    }

    /// Finds and checks the settings, before anything else is touched.
    ///
    /// Throws the `Ending` that lists all problems at once.
    ///
    /// - Parameter usual: the values of settings that are not set anywhere.
    func load(usual: Settings = Settings()) throws -> LoadedSettings {
        var loaded = try Handed.current?.settings(usual: usual) ?? found(usual)
        for note in loaded.notes { Terminal.message("cartsync: note: \(note)") }
        for exposure in loaded.exposures { Terminal.message("cartsync: warning: \(exposure)") }
        // As a flag, a number of deletes is a person's approval of one run; as a setting it is the usual limit.
        if case .count(let approved)? = flags["guard.max-deletes"].flatMap(Limit.init) {
            loaded.settings.planGuard.approvedDeletes = approved
        }
        return loaded
    }

    /// The same settings, without a word about them.
    func quietly() throws -> LoadedSettings { try found(Settings()) }

    private func found(_ usual: Settings) throws -> LoadedSettings {
        do {
            return try SettingsLoader(
                flags: flags, file: config, fileOfExports: try ExportConfig.beside(exports), usual: usual
            ).load()
        } catch let error as ExportError {
            throw Ending(error)
        } catch let error as SettingsProblems {
            throw Ending(
                status: error.areAllFlags ? .usage : .badSettings,
                details: error.lines.map { "cartsync: \($0)" }.joined(separator: "\n"),
                summary: error.lines.count == 1 ? "one problem" : "\(error.lines.count) problems",
                next: "cartsync --help, or correct what is listed above and run the command again")
        }
    }
}

/// A group of flags in a command.
private protocol GivenFlags {
    var given: [String: String] { get }
}

extension OptionGroup: GivenFlags where Value: SettingFlags {
    fileprivate var given: [String: String] { wrappedValue.values }
}

/// What a command that calls the API cannot do without.
struct StoreAccess {
    let baseURL: String
    let clientID: String
    /// Empty if shoppers' tokens are used and none is set: an implicit token needs no secret.
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

extension Settings {
    /// The folder of the ledger and the reports: the one that is set, or systemd's, or that of the XDG base directories.
    var stateFolder: String {
        if let path = stateDirectory { return path }
        let environment = ProcessInfo.processInfo.environment
        // systemd lists several folders with colons between them; the first is the unit's own.
        if let path = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(path) }
        // The XDG base directory specification: empty is the same as unset, and a relative path is ignored.
        if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") { return base + "/cartsync" }
        // The home folder of a service's user or of a container may be another one than its account says.
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory()
        return home + "/.local/state/cartsync"
    }
}
