import CartAssociations
import Foundation
import Yams

/// What the settings file says: the texts of its keys, the names of its jobs, and what is wrong with it.
struct SettingsFile {
    let path: String
    /// The text of each known key; the values of a list with commas between.
    private(set) var values: [String: String] = [:]
    private(set) var jobs: [String] = []
    private(set) var problems: [String] = []

    /// The file that is read if no other is named, and only if it is there.
    static let usualPath = "cartsync.yaml"

    /// Reads a file of YAML, or of JSON, which is a subset of it: numbers and words are one kind of text.
    ///
    /// Throws `SettingsProblems` if it cannot be read or is neither.
    init(path: String) throws(SettingsProblems) {
        self.path = path
        let root: Node?
        do {
            root = try Yams.compose(yaml: try String(contentsOfFile: path, encoding: .utf8))
        } catch let error as YamlError {
            throw SettingsProblems("\(path)\(error.place): not YAML or JSON: \(error.problem)")
        } catch {
            throw SettingsProblems(
                "settings file \(path) cannot be read; check the name after --config and its permissions")
        }
        // A file that is empty or has only comments sets nothing.
        guard let root else { return }
        guard let mapping = root.mapping else {
            throw SettingsProblems("\(path): settings are keys and values, for instance rate: {limit: 20}")
        }
        readJobs(mapping["jobs"])
        let settings = Setting.all(jobs: jobs)
        walk(root, [], Dictionary(uniqueKeysWithValues: settings.map { ($0.key, $0) }))
    }

    private mutating func readJobs(_ node: Node?) {
        for (key, value) in node?.mapping ?? [:] {
            let name = key.string ?? ""
            if name.wholeMatch(of: #/[a-z][a-z0-9_-]{0,63}/#) == nil {
                problems.append(
                    "\(place(key)): '\(name)' is not a name for a job; use 1 to 64 of a-z 0-9 _ -, a letter first")
            } else if value.mapping == nil {
                problems.append(
                    "\(place(key)): the job \(name) has no settings; give it a source, for instance source: {folder: PATH}"
                )
            } else {
                jobs.append(name)
            }
        }
    }

    private mutating func walk(_ node: Node, _ prefix: [String], _ known: [String: Setting]) {
        // What is wrong with the name of a job has been said.
        if prefix.count >= 2, prefix[0] == "jobs", !jobs.contains(prefix[1]) { return }
        let name = prefix.joined(separator: ".")
        guard let mapping = node.mapping, !(known[name]?.isList ?? false) else { return read(node, name, known) }
        for (key, value) in mapping {
            walk(value, prefix + (key.string?.split(separator: ".").map(String.init) ?? ["?"]), known)
        }
    }

    private mutating func read(_ node: Node, _ key: String, _ known: [String: Setting]) {
        guard let setting = known[key] else {
            let suggestion = NearestName.suggestion(for: key, among: known.keys)
            problems.append("\(place(node)): unknown setting \(key)\(suggestion)")
            return
        }
        let texts = setting.isList ? node.listTexts : nil
        if let texts, !texts.isEmpty {
            values[key] = texts.joined(separator: ",")
        } else if let text = node.scalar?.string, node.null == nil {
            values[key] = text
        } else {
            problems.append("\(place(node)): \(key) has no single value")
        }
    }

    private func place(_ node: Node) -> String { node.mark.map { "\(path):\($0.line)" } ?? path }
}

extension Node {
    /// The texts of a list, or `KEY=VALUE` of each pair; nil if it is neither, or has something else in it.
    fileprivate var listTexts: [String]? {
        if let sequence {
            let texts = sequence.compactMap(\.scalar?.string)
            return texts.count == sequence.count ? texts : nil
        }
        guard let mapping else { return nil }
        let texts = mapping.compactMap { key, value in
            key.scalar.flatMap { key in value.scalar.map { "\(key.string)=\($0.string)" } }
        }
        return texts.count == mapping.count ? texts : nil
    }
}

/// The known name that a mistyped one is closest to.
enum NearestName {
    /// What to add to a message about an unknown name; empty if none is close.
    static func suggestion(for name: String, among known: some Sequence<String>) -> String {
        let nearest = known.map { ($0, EditDistance.between($0, name)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
        guard let (candidate, distance) = nearest, distance <= max(2, name.count / 3) else { return "" }
        return "; did you mean \(candidate)?"
    }
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
