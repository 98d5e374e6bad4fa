import Configuration
import Foundation
import SyncEngine
import SyncReporting
import Synchronization

/// Finds each setting in the first place that has it: flags, environment, secrets folder, file.
struct SettingsLoader {
    /// Flags by the key of their setting; only those that were given.
    var flags: [String: String] = [:]
    var environment: [String: String] = ProcessInfo.processInfo.environment
    /// The settings file named by `--config`; nil for the usual one, if it is there.
    var file: String?
    /// A file that says how the exports of the command are read; only flags are stronger.
    var fileOfExports: String?
    /// The values of settings that are not set anywhere.
    var usual = Settings()

    /// A place that settings are found in.
    private struct Origin {
        /// What a person calls the place of a setting, for instance `environment CARTSYNC_RATE_LIMIT`.
        let name: (Setting) -> String
        var isFlags = false
        /// Whether a value is a whole file, which ends with a line end by custom.
        var isFileOfItsOwn = false
        /// The file that a setting is in; nil if it is in none.
        var file: (Setting) -> String? = { _ in nil }
        let provider: any ConfigProvider
    }

    private struct Problem {
        let line: String
        var isFlag = false
    }

    /// Reads and checks every setting.
    ///
    /// Throws `SettingsProblems` with all that is wrong; nothing but the settings' own files has been opened then.
    func load() throws(SettingsProblems) -> LoadedSettings {
        var problems: [Problem] = []
        var found: SettingsFile?
        do {
            found = try readFile()
        } catch {
            problems = error.lines.map { Problem(line: $0) }
        }
        var ofExports: SettingsFile?
        do {
            ofExports = try readFileOfExports()
        } catch {
            problems += error.lines.map { Problem(line: $0) }
        }
        let jobs = found?.jobs ?? []
        problems += (found?.problems ?? []).map { Problem(line: $0) }
        problems += unknownVariables(jobs).map { Problem(line: $0) }
        let settings = Setting.all(jobs: jobs)
        let origins = origins(settings, found, ofExports, &problems)
        let answered = LastAnswer()
        let reader = ConfigReader(providers: origins.map(\.provider), accessReporter: answered)

        /// Sets what is set somewhere.
        func apply(_ settings: [Setting], to loaded: inout LoadedSettings) {
            for setting in settings {
                guard let given = reader.string(forKey: ConfigKey(setting.parts), isSecret: setting.isSecret) else {
                    continue
                }
                let origin = origins[answered.place]
                let text = setting.tidied(given)
                if text != given, !origin.isFileOfItsOwn || text + "\n" != given {
                    loaded.notes.append(note(setting, origin.name(setting), given, text))
                }
                do {
                    try setting.set(text, &loaded.settings)
                    loaded.hashes[setting.key] = text.hashValue
                    let shown = setting.isSecret ? "(redacted)" : setting.shown(text)
                    if setting.isSecret, let file = origin.file(setting) { secretFiles.insert(file) }
                    loaded.used.append(.init(name: setting.key, value: shown, origin: origin.name(setting)))
                } catch {
                    let shown = setting.isSecret ? "set" : "'\(setting.shown(text))'"
                    problems.append(
                        Problem(
                            line: "\(setting.key) is \(shown) (\(origin.name(setting))): \(error.reason)",
                            isFlag: origin.isFlags))
                }
            }
        }

        var secretFiles: Set<String> = []
        var loaded = LoadedSettings(settings: usual, used: [])
        if let ofExports { loaded.notes.append("the exports are read as \(ofExports.path) beside them says") }
        apply(Setting.all, to: &loaded)
        for name in jobs {
            var job = loaded
            job.jobs = []
            // Two jobs of one source would each take back what the other one asserts.
            job.settings.run.source = name
            job.notes = []
            apply(Setting.all(of: name), to: &job)
            loaded.notes += job.notes
            loaded.jobs.append(JobSettings(name: name, loaded: job))
        }
        loaded.exposures = secretFiles.sorted().compactMap { FileAccess($0)?.readers }
        guard problems.isEmpty else {
            throw SettingsProblems(lines: problems.map(\.line), areAllFlags: problems.allSatisfy(\.isFlag))
        }
        return loaded
    }

    /// Says what was removed around a value.
    private func note(_ setting: Setting, _ origin: String, _ given: String, _ text: String) -> String {
        guard setting.key == "api.base-url" else {
            return "\(setting.key) (\(origin)): the line ends around it are not taken as part of it"
        }
        // The user name and password of a URL are refused later, and not shown.
        let shown = text.contains("@") ? "" : ", which leaves \(text)"
        return "\(setting.key) (\(origin)): blanks around it, a slash and /v2 at its end are removed\(shown)"
    }

    private func readFile() throws(SettingsProblems) -> SettingsFile? {
        let path = file ?? SettingsFile.usualPath
        if file == nil && !FileManager.default.fileExists(atPath: path) { return nil }
        let access = FileAccess(path)
        if let reason = access?.writers { throw SettingsProblems("settings file \(path): \(reason)") }
        // The working folder may be anybody's; a file that is named is meant.
        if file == nil, access?.isOfAnotherUser == true {
            throw SettingsProblems(
                "settings file \(path) belongs to another user; name it with --config if it is meant, or go to another "
                    + "folder")
        }
        return try SettingsFile(path: path)
    }

    /// Reads the settings that stand beside an export, which can be about exports only.
    private func readFileOfExports() throws(SettingsProblems) -> SettingsFile? {
        guard let path = fileOfExports else { return nil }
        if let reason = FileAccess(path)?.writers { throw SettingsProblems("settings file \(path): \(reason)") }
        let file = try SettingsFile(path: path)
        let others = file.values.keys.filter { !ExportConfig.isAboutExports($0) }.sorted()
        let problems = file.problems + others.map { "\(path): \($0) does not say how an export is read" }
        guard problems.isEmpty else { throw SettingsProblems(lines: problems) }
        return file
    }

    /// The places in their order.
    private func origins(
        _ settings: [Setting], _ file: SettingsFile?, _ ofExports: SettingsFile?, _ problems: inout [Problem]
    ) -> [Origin] {
        let vendors = Dictionary(
            uniqueKeysWithValues: settings.compactMap { setting in
                setting.vendorVariable.flatMap { environment[$0] }.map { (setting.key, $0) }
            })
        var origins = [
            Origin(
                name: RunReport.SettingUsed.origin(flag:), isFlags: true, provider: provider("flags", flags, settings))
        ]
        if let ofExports {
            origins.append(
                Origin(
                    name: { _ in ofExports.path }, file: { _ in ofExports.path },
                    provider: provider("exports", ofExports.values, settings)))
        }
        origins += [
            Origin(
                name: { "environment \($0.variable)" },
                provider: EnvironmentVariablesProvider(
                    environmentVariables: environment,
                    secretsSpecifier: .specific(Set(settings.filter(\.isSecret).map(\.variable)))
                ).prefixKeys(with: "cartsync")),
            Origin(
                name: { "environment \($0.vendorVariable ?? "")" },
                provider: provider("vendor environment", vendors, settings)),
        ]
        let places = ConfigReader(providers: origins.map(\.provider))
        let key = "api.secrets-directory"
        if let folder = places.string(forKey: ConfigKey(key.keyParts)) ?? file?.values[key]
            ?? environment["CREDENTIALS_DIRECTORY"]
        {
            if let reason = FileAccess(folder)?.writers {
                problems.append(Problem(line: "secrets folder \(folder): \(reason)"))
            }
            do {
                let secrets = try secrets(in: folder, settings)
                for setting in settings where secrets[setting.key] != nil {
                    let path = "\(folder)/\(setting.fileName)"
                    if let reason = FileAccess(path)?.writers {
                        problems.append(Problem(line: "secret \(path): \(reason)"))
                    }
                }
                origins.append(
                    Origin(
                        name: { "secrets folder \(folder)/\($0.fileName)" }, isFileOfItsOwn: true,
                        file: { "\(folder)/\($0.fileName)" },
                        provider: provider("secrets folder", secrets, settings)))
            } catch {
                problems.append(
                    Problem(
                        line: "secrets folder \(folder): it or a secret in it cannot be read; check the name and "
                            + "permissions"))
            }
        }
        if let file {
            origins.append(
                Origin(
                    name: { _ in file.path }, file: { _ in file.path },
                    provider: provider("file", file.values, settings)))
        }
        return origins
    }

    /// The files of a folder, also if they are links: a Secret of Kubernetes is a folder of links to links, which
    /// Configuration's own provider of a folder leaves out.
    private func secrets(in folder: String, _ settings: [Setting]) throws -> [String: String] {
        let present = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
        var values: [String: String] = [:]
        for setting in settings where setting.isSecret && present.contains(setting.fileName) {
            values[setting.key] = try String(contentsOfFile: "\(folder)/\(setting.fileName)", encoding: .utf8)
        }
        return values
    }

    private func provider(_ name: String, _ values: [String: String], _ settings: [Setting]) -> InMemoryProvider {
        let secrets = Set(settings.filter(\.isSecret).map(\.key))
        let byKey = values.map { key, value in
            (AbsoluteConfigKey(key.keyParts), ConfigValue(.string(value), isSecret: secrets.contains(key)))
        }
        return InMemoryProvider(name: name, values: Dictionary(uniqueKeysWithValues: byKey))
    }

    private func unknownVariables(_ jobs: [String]) -> [String] {
        let known = Set(Setting.all(jobs: jobs).map(\.variable))
        return environment.keys.filter { $0.hasPrefix("CARTSYNC_") && !known.contains($0) }.sorted().map {
            "environment: unknown setting \($0)\(NearestName.suggestion(for: $0, among: known))"
        }
    }
}

/// Remembers which of a reader's providers gave the value that was read last.
private final class LastAnswer: AccessReporter {
    private let asked = Mutex(1)

    /// The place of the provider in the reader's order.
    var place: Int { asked.withLock { $0 } - 1 }

    func report(_ event: AccessEvent) {
        // A reader asks one provider after the other, and none after the one that has the value.
        asked.withLock { $0 = event.providerResults.count }
    }
}

extension Setting {
    fileprivate var parts: [String] { key.keyParts }

    /// The settings of one job.
    static func all(of job: String) -> [Setting] { all.filter(\.isPerJob).map { $0.of(job: job) } }

    /// Every setting there can be, with those of the jobs.
    static func all(jobs: [String]) -> [Setting] { all + jobs.flatMap(all(of:)) }
}

extension String {
    fileprivate var keyParts: [String] { split(separator: ".").map(String.init) }
}
