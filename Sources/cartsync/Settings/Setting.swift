import Foundation

/// One setting: its key, what it means, and where its value is in `Settings`.
///
/// All else is derived from it: how its text is read, its names as a flag, in the environment and in the secrets
/// folder, its default in help, guide, manual page and `doctor`, and whether a service takes a new value at once.
struct Setting: Sendable {
    let key: String
    /// What a person reads about it, without its default.
    let meaning: String
    /// The default as a person writes it; nil if there is none.
    let usual: String?
    /// The flag of the commands that have one for it.
    private(set) var flag: SettingFlag?
    /// The name that Elastic Path's own tools have for it in the environment.
    private(set) var vendorVariable: String?
    /// Whether no output shows its value, and no flag takes it.
    private(set) var isSecret = false
    /// The value as it may be shown, without what is secret in it.
    private(set) var shown: @Sendable (_ text: String) -> String = { $0 }
    /// Whether the settings file may have a list of values; elsewhere they stand with commas between.
    private(set) var isList = false
    /// Whether each job of a service can have a value of its own, as `jobs.NAME.KEY`.
    private(set) var isPerJob = false
    /// Whether a running service takes a new value; otherwise it needs a restart.
    private(set) var holdsAtOnce = false
    /// Removes from a text what copying leaves around it.
    private(set) var tidied: @Sendable (_ text: String) -> String = { $0 }
    /// Reads a text into its place in the settings.
    let set: @Sendable (_ text: String, _ settings: inout Settings) throws(UnusableValue) -> Void
    /// Takes its value from other settings.
    let take: @Sendable (_ other: Settings, _ settings: inout Settings) -> Void

    /// A setting whose default is the value that new `Settings` have.
    ///
    /// - Parameter usual: the default in words, if the value does not show it.
    init<Value>(
        _ key: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ kind: SettingKind<Value>,
        _ meaning: String, usual: String? = nil
    ) {
        self.init(
            key, meaning, usual: usual ?? kind.text(Settings()[keyPath: path]),
            set: { text, settings throws(UnusableValue) in settings[keyPath: path] = try kind.read(text) },
            take: { other, settings in settings[keyPath: path] = other[keyPath: path] })
    }

    /// A setting without a value by default.
    ///
    /// - Parameter usual: what holds then, in words.
    init<Value>(
        _ key: String, _ path: any WritableKeyPath<Settings, Value?> & Sendable, _ kind: SettingKind<Value>,
        _ meaning: String, usual: String? = nil
    ) {
        self.init(
            key, meaning, usual: usual,
            set: { text, settings throws(UnusableValue) in settings[keyPath: path] = try kind.read(text) },
            take: { other, settings in settings[keyPath: path] = other[keyPath: path] })
    }

    /// A setting that has more than one place in the settings.
    init(
        _ key: String, _ meaning: String, usual: String?,
        set: @escaping @Sendable (_ text: String, _ settings: inout Settings) throws(UnusableValue) -> Void,
        take: @escaping @Sendable (_ other: Settings, _ settings: inout Settings) -> Void
    ) {
        self.key = key
        self.meaning = meaning
        self.usual = usual
        self.set = set
        self.take = take
    }

    /// The same setting of one job.
    func of(job: String) -> Setting {
        var setting = Setting("jobs.\(job).\(key)", meaning, usual: usual, set: set, take: take)
        (setting.isSecret, setting.isList, setting.holdsAtOnce) = (isSecret, isList, holdsAtOnce)
        setting.tidied = tidied
        setting.shown = shown
        return setting
    }

    /// What it means, with the default in brackets.
    var summary: String { usual.map { "\(meaning) (\($0))" } ?? meaning }

    /// The name of the environment that sets it, for instance `CARTSYNC_RATE_LIMIT`.
    var variable: String {
        "CARTSYNC_" + String(key.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
    }

    /// The name of its file in the secrets folder, for instance `api-client-secret`.
    var fileName: String { key.replacing(".", with: "-") }

    /// The name of its flag, without the dashes.
    var flagName: String { flag?.name ?? (key.hasPrefix("mapping.") ? "map" : Self.lastPart(of: key)) }

    private static func lastPart(of key: String) -> String { key.split(separator: ".").last.map(String.init) ?? key }
}

/// The flag that sets a setting.
struct SettingFlag: Sendable {
    let name: String
    /// What stands for its value in the help; nil for a switch.
    let value: String?
    /// What the help says of it, without a period.
    let help: String
    /// What the help adds in brackets.
    let usual: String?
}

extension Setting {
    /// The same with a flag.
    ///
    /// - Parameters:
    ///   - value: what stands for the value in the help; nil for a switch.
    ///   - name: the name, if it is not the last part of the key.
    ///   - help: what the help says, without a period, if it is not the meaning.
    ///   - showsDefault: whether the help has the default in brackets.
    func flag(
        _ value: String?, name: String? = nil, help: String? = nil, showsDefault: Bool = true
    ) -> Setting {
        with {
            $0.flag = SettingFlag(
                name: name ?? Self.lastPart(of: key), value: value,
                help: help ?? meaning.prefix(1).uppercased() + meaning.dropFirst(),
                usual: showsDefault && value != nil ? usual : nil)
        }
    }

    func vendor(_ variable: String) -> Setting { with { $0.vendorVariable = variable } }
    /// A secret, which is a credential.
    var secret: Setting { credential.with { $0.isSecret = true } }
    /// The same, without the line ends around its text.
    var credential: Setting { tidied(by: { $0.trimmingCharacters(in: .newlines) }) }
    func tidied(by remove: @escaping @Sendable (String) -> String) -> Setting { with { $0.tidied = remove } }
    func shown(by show: @escaping @Sendable (String) -> String) -> Setting { with { $0.shown = show } }
    var list: Setting { with { $0.isList = true } }
    var perJob: Setting { with { $0.isPerJob = true } }
    var atOnce: Setting { with { $0.holdsAtOnce = true } }

    private func with(_ change: (inout Setting) -> Void) -> Setting {
        var setting = self
        change(&setting)
        return setting
    }
}
