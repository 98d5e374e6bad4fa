import Configuration
import Foundation
import SyncEngine
import Yams

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Settings as they were found, and where each came from.
struct LoadedSettings: Sendable {
    var settings: Settings
    /// Every setting that is not a default, secrets redacted, in the order of the definitions.
    var used: [RunOptions.UsedSetting]
    /// By the key of every setting that is set, what tells whether its text is another one later in this process; it
    /// says nothing of the text, which may be a secret.
    var hashes: [String: Int] = [:]
    /// The jobs of a service, by name; each has the general settings where it has none of its own.
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
    let areAllFlags: Bool

    var description: String { lines.joined(separator: "\n") }
}

/// Finds each setting in the first place that has it: flags, environment, secrets folder, file.
struct SettingsLoader {
    /// Flags by the key of their setting; only those that were given.
    var flags: [String: String] = [:]
    var environment: [String: String] = ProcessInfo.processInfo.environment
    /// The settings file named by `--config`; nil for `cartsync.yaml` where there is one.
    var file: String?

    static let defaultFile = "cartsync.yaml"

    private struct Origin {
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

    private static func definitions(of job: String) -> [SettingDefinition] {
        SettingDefinition.all.filter(\.isPerJob).map { $0.of(job: job) }
    }

    /// Every setting there can be, with those of the jobs.
    private static func definitions(_ jobs: [String]) -> [SettingDefinition] {
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

// MARK: - Unknown keys

extension SettingsLoader {
    /// What the settings file has: an origin where it says anything, its jobs, and what is wrong with its keys.
    private struct FoundFile {
        var origin: Origin?
        var jobs: [String] = []
        var problems: [String] = []
    }

    private func fileOrigin() async throws -> FoundFile? {
        let path = file ?? Self.defaultFile
        if file == nil && !FileManager.default.fileExists(atPath: path) { return nil }
        var found = FoundFile()
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            (found.jobs, found.problems) = try keys(in: text, path: path)
            // Yams finds no document in an empty file or one of comments, and its provider would refuse it.
            guard try Yams.compose(yaml: text) != nil else { return found }
        } catch let error as YamlError {
            throw SettingsProblems(
                lines: ["\(path)\(error.place): not YAML or JSON: \(error.problem)"], areAllFlags: false)
        } catch let error as SettingsProblems {
            throw error
        } catch {
            throw SettingsProblems(
                lines: ["settings file \(path) cannot be read; check the name after --config and its permissions"],
                areAllFlags: false)
        }
        // JSON is read as the subset of YAML that it is, so that numbers and words are one kind of text.
        let provider: FileProvider<YAMLSnapshot>
        do {
            provider = try await FileProvider<YAMLSnapshot>(filePath: .init(path))
        } catch {
            throw SettingsProblems(lines: ["\(path): \(error)"], areAllFlags: false)
        }
        found.origin = Origin(name: { _ in path }, isFlags: false, reader: ConfigReader(provider: provider))
        return found
    }

    /// The names of the jobs, and what is wrong with the keys.
    private func keys(in text: String, path: String) throws -> (jobs: [String], problems: [String]) {
        guard let root = try Yams.compose(yaml: text) else { return ([], []) }
        guard root.mapping != nil else {
            throw SettingsProblems(
                lines: ["\(path): settings are keys and values, for instance rate: {limit: 20}"], areAllFlags: false)
        }
        var problems: [String] = []
        var jobs: [String] = []
        for (key, value) in root.mapping?["jobs"]?.mapping ?? [:] {
            let name = key.string ?? ""
            let place = key.mark.map { "\(path):\($0.line)" } ?? path
            if name.wholeMatch(of: #/[a-z][a-z0-9_-]{0,63}/#) == nil {
                problems.append("\(place): '\(name)' is no name of a job; use 1 to 64 of a-z 0-9 _ -, a letter first")
            } else if value.mapping == nil {
                problems.append(
                    "\(place): the job \(name) has no settings; give it a source, for instance source: {folder: PATH}")
            } else {
                jobs.append(name)
            }
        }
        let definitions = Self.definitions(jobs)
        let known = Set(definitions.map(\.key))
        let lists = Set(definitions.filter(\.isList).map(\.key))
        func walk(_ node: Node, _ prefix: [String]) {
            // A job that is none is told already.
            if prefix.count >= 2, prefix[0] == "jobs", !jobs.contains(prefix[1]) { return }
            guard let mapping = node.mapping else {
                let key = prefix.joined(separator: ".")
                let line = node.mark.map { ":\($0.line)" } ?? ""
                if !known.contains(key) {
                    problems.append("\(path)\(line): unknown setting \(key)\(suggestion(for: key, among: known))")
                } else if node.null != nil || (node.sequence != nil && !lists.contains(key)) {
                    problems.append("\(path)\(line): \(key) has no single value")
                }
                return
            }
            for (key, value) in mapping {
                walk(value, prefix + (key.string?.split(separator: ".").map(String.init) ?? ["?"]))
            }
        }
        walk(root, [])
        return (jobs, problems)
    }

    private func unknownVariables(_ jobs: [String]) -> [String] {
        let known = Set(Self.definitions(jobs).map(\.variable))
        return environment.keys.filter { $0.hasPrefix("CARTSYNC_") && !known.contains($0) }.sorted().map {
            "environment: unknown setting \($0)\(suggestion(for: $0, among: known))"
        }
    }

    private func suggestion(for name: String, among known: Set<String>) -> String {
        let nearest = known.map { ($0, editDistance($0, name)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
        guard let (candidate, distance) = nearest, distance <= max(2, name.count / 3) else { return "" }
        return "; did you mean \(candidate)?"
    }
}

/// The fewest single-character edits that turn one text into the other.
func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (character == other ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}

extension YamlError {
    /// The line of the fault, as `:LINE`; the lines themselves may hold a secret.
    fileprivate var place: String {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): ":\(mark.line)"
        case .duplicatedKeysInMapping(_, let context): ":\(context.mark.line)"
        default: ""
        }
    }

    fileprivate var problem: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _): problem
        case .reader(let problem, _, _, _): problem
        case .duplicatedKeysInMapping(let keys, _):
            "the key \(keys.joined(separator: ", ")) is there twice"
        default: "it cannot be parsed"
        }
    }
}
