import SyncEngine
import SyncReporting

/// Settings as they were found, and where each came from.
struct LoadedSettings: Sendable {
    var settings: Settings
    /// Every setting that is not a default, secrets redacted, in the order of the definitions.
    var used: [RunReport.SettingUsed]
    /// What was removed around a value, as a sentence each; no secret is in it.
    var notes: [String] = []
    /// Files with a secret that everybody on the machine may read, as a sentence each.
    var exposures: [String] = []
    /// The hash of every setting's text, by key, if the setting is set: it tells whether the setting is another one
    /// later in this process, and nothing of the text, which may be a secret.
    var hashes: [String: Int] = [:]
    /// The jobs of a service, by name; each has the general values of the settings that it does not set.
    var jobs: [JobSettings] = []
}

/// The settings of one job of a service.
struct JobSettings: Sendable {
    let name: String
    var loaded: LoadedSettings
}

/// Everything that is wrong with the settings, listed at once.
struct SettingsProblems: Error, CustomStringConvertible {
    let lines: [String]
    /// Whether each problem is a flag of the command line.
    var areAllFlags = false

    var description: String { lines.joined(separator: "\n") }
}

extension SettingsProblems {
    init(_ line: String) { self.init(lines: [line]) }
}

extension RunReport.SettingUsed {
    private static let flagOrigin = "flag "

    /// Where a setting comes from that a flag gives.
    static func origin(flag setting: Setting) -> String { "\(flagOrigin)--\(setting.flagName)" }

    /// The flag that gave it, with its dashes; nil if none did.
    var flag: String? { origin.hasPrefix(Self.flagOrigin) ? String(origin.dropFirst(Self.flagOrigin.count)) : nil }
}
