import Configuration
import Foundation
import SyncEngine
import Yams

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Finds each setting in the first place that has it: flags, environment, secrets folder, file.
struct SettingsLoader {
    /// Flags by the key of their setting; only those that were given.
    var flags: [String: String] = [:]
    var environment: [String: String] = ProcessInfo.processInfo.environment
    /// The settings file named by `--config`; nil for `cartsync.yaml` where there is one.
    var file: String?

    static let defaultFile = "cartsync.yaml"

    struct Origin {
        let name: @Sendable (SettingDefinition) -> String
        let isFlags: Bool
        let reader: ConfigReader
    }

    /// Reads and checks every setting.
    ///
    /// Throws `SettingsProblems` with all that is wrong; nothing but the settings' own files has been opened then.
    func load() async throws -> LoadedSettings {
        var problems: [(line: String, isFlag: Bool)] = []
        var origins = [flagsOrigin, environmentOrigin, vendorOrigin]
        var jobs: [String] = []
        do {
            if let file = try await fileOrigin() {
                if let origin = file.origin { origins.append(origin) }
                jobs = file.jobs
                problems += file.problems.map { ($0, false) }
            }
        } catch let problem as SettingsProblems {
            problems += problem.lines.map { ($0, false) }
        }
        problems += unknownVariables(jobs).map { ($0, false) }
        if let folder = secretsFolder(in: origins) {
            do {
                origins.insert(try secretsOrigin(folder, Self.definitions(jobs)), at: 3)
            } catch {
                problems.append(
                    (
                        "secrets folder \(folder): it or a secret in it cannot be read; check the name and permissions",
                        false
                    ))
            }
        }
        var loaded = LoadedSettings(settings: Settings(), used: [])
        apply(SettingDefinition.all, from: origins, to: &loaded, &problems)
        for name in jobs {
            var job = loaded
            job.jobs = []
            // Two jobs of one source would each take back what the other one asserts.
            job.settings.source = name
            apply(Self.definitions(of: name), from: origins, to: &job, &problems)
            loaded.jobs.append(JobSettings(name: name, loaded: job))
        }
        guard problems.isEmpty else {
            throw SettingsProblems(lines: problems.map(\.line), areAllFlags: problems.allSatisfy(\.isFlag))
        }
        return loaded
    }

    /// Sets everything that is set somewhere.
    private func apply(
        _ definitions: [SettingDefinition], from origins: [Origin], to loaded: inout LoadedSettings,
        _ problems: inout [(line: String, isFlag: Bool)]
    ) {
        for definition in definitions {
            guard let (text, origin) = find(definition, in: origins) else { continue }
            let name = origin.name(definition)
            do {
                try definition.apply(&loaded.settings, text)
                loaded.hashes[definition.key] = text.hashValue
                let shown = definition.isSecret ? "(redacted)" : text
                loaded.used.append(.init(name: definition.key, value: shown, origin: name))
            } catch {
                let shown = definition.isSecret ? "set" : "'\(text)'"
                problems.append(("\(definition.key) is \(shown) (\(name)): \(error.reason)", origin.isFlags))
            }
        }
    }

    static func definitions(of job: String) -> [SettingDefinition] {
        SettingDefinition.all.filter(\.isPerJob).map { $0.of(job: job) }
    }

    /// Every setting there can be, with those of the jobs.
    static func definitions(_ jobs: [String]) -> [SettingDefinition] {
        SettingDefinition.all + jobs.flatMap(definitions(of:))
    }

    private func find(_ definition: SettingDefinition, in origins: [Origin]) -> (String, Origin)? {
        for origin in origins {
            let key = ConfigKey(definition.key.split(separator: ".").map(String.init))
            if definition.isList, let texts = origin.reader.stringArray(forKey: key), !texts.isEmpty {
                return (texts.joined(separator: ","), origin)
            }
            if let text = origin.reader.string(forKey: key, isSecret: definition.isSecret) {
                return (definition.isSecret ? text.trimmingCharacters(in: .newlines) : text, origin)
            }
        }
        return nil
    }

    private var flagsOrigin: Origin {
        Origin(
            name: { "flag --\(Self.flagName($0.key))" }, isFlags: true,
            reader: ConfigReader(provider: inMemory("flags", flags)))
    }

    private var environmentOrigin: Origin {
        Origin(
            name: { "environment \($0.variable)" }, isFlags: false,
            reader: ConfigReader(
                provider: EnvironmentVariablesProvider(environmentVariables: environment)
            ).scoped(to: "cartsync"))
    }

    private var vendorOrigin: Origin {
        var values: [String: String] = [:]
        for definition in SettingDefinition.all {
            guard let variable = definition.vendorVariable, let value = environment[variable] else { continue }
            values[definition.key] = value
        }
        return Origin(
            name: { "environment \($0.vendorVariable ?? "")" }, isFlags: false,
            reader: ConfigReader(provider: inMemory("vendor environment", values)))
    }

    private func secretsFolder(in origins: [Origin]) -> String? {
        let key = ConfigKey(["api", "secrets-directory"])
        return origins.lazy.compactMap { $0.reader.string(forKey: key) }.first ?? environment["CREDENTIALS_DIRECTORY"]
    }

    /// The files of a folder, also where they are links: a Secret of Kubernetes is a folder of links to links.
    private func secretsOrigin(_ folder: String, _ definitions: [SettingDefinition]) throws -> Origin {
        let present = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
        var values: [String: String] = [:]
        for definition in definitions where definition.isSecret && present.contains(Self.fileName(definition.key)) {
            let path = "\(folder)/\(Self.fileName(definition.key))"
            values[definition.key] = try String(contentsOfFile: path, encoding: .utf8)
        }
        return Origin(
            name: { "secrets folder \(folder)/\(Self.fileName($0.key))" }, isFlags: false,
            reader: ConfigReader(provider: inMemory("secrets folder", values)))
    }

    /// The name of the file that holds a secret.
    private static func fileName(_ key: String) -> String { key.replacing(".", with: "-") }

    private func inMemory(_ name: String, _ values: [String: String]) -> InMemoryProvider {
        var byKey: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in values {
            byKey[AbsoluteConfigKey(key.split(separator: ".").map(String.init))] = ConfigValue(
                .string(value), isSecret: false)
        }
        return InMemoryProvider(name: name, values: byKey)
    }

    /// The flag that stands for a key, where it differs from the key's last part.
    static func flagName(_ key: String) -> String {
        switch key {
        case "state.directory": "state"
        case "rate.limit": "rate"
        case "source.folder": "inbox"
        case "http.listen": "http"
        case "mapping.xml.record": "xml-record"
        default: key.split(separator: ".").last.map(String.init) ?? key
        }
    }
}
