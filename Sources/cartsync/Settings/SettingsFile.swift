import Configuration
import Foundation
import Yams

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

extension SettingsLoader {
    /// What the settings file has: an origin where it says anything, its jobs, and what is wrong with its keys.
    struct FoundFile {
        var origin: Origin?
        var jobs: [String] = []
        var problems: [String] = []
    }

    func fileOrigin() async throws -> FoundFile? {
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

    func unknownVariables(_ jobs: [String]) -> [String] {
        let known = Set(Self.definitions(jobs).map(\.variable))
        return environment.keys.filter { $0.hasPrefix("CARTSYNC_") && !known.contains($0) }.sorted().map {
            "environment: unknown setting \($0)\(suggestion(for: $0, among: known))"
        }
    }

    func suggestion(for name: String, among known: Set<String>) -> String {
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
