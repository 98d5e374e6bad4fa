import CallPacing
import DurableFiles
import ExportFiles

/// Which files are parts of one export, and whether all of its parts are there.
///
/// Parts of one export were written within some time of each other: what is older is of an earlier export of that name.
struct ExportSets: Sendable, Hashable {
    /// An export of which parts are missing, or do not fit together.
    struct Incomplete: Sendable, Hashable {
        /// With the parts that are there.
        let set: InboxEntry
        /// What is missing or does not fit, as a sentence without a full stop.
        let problem: String
        /// How long nothing has changed.
        var waited = Duration.zero

        /// After this it is told: parts are written one after the other, and not at once.
        static let patience = Duration.seconds(600)

        var isOverdue: Bool { waited >= Self.patience }
    }

    /// Exports in several files that are all there.
    private(set) var whole: [InboxEntry] = []
    private(set) var incomplete: [Incomplete] = []
    /// Files that are no part of another export.
    private(set) var single: [InboxEntry] = []
    /// Files that are taken only if a manifest lists them, or is beside them.
    private(set) var unlisted: [InboxEntry] = []

    private let within: Duration

    /// Sorts whole files into exports.
    ///
    /// - Parameters:
    ///   - files: that are whole by themselves.
    ///   - manifests: that list files.
    ///   - rule: what tells which files are parts.
    ///   - within: the longest time between the writing of two parts of one export.
    ///   - names: of everything that is there.
    init(_ files: [InboxEntry], manifests: [InboxEntry], rule: PartsRule, within: Duration, among names: Set<String>) {
        self.within = within
        switch rule {
        case .off: single = files
        case .name: sortByName(files)
        case .manifest: sort(files, by: manifests, among: names)
        }
    }

    // MARK: - By their names

    private struct Part {
        let entry: InboxEntry
        let number: Int
    }

    private struct Key: Hashable {
        let whole: String
        let count: Int
    }

    private mutating func sortByName(_ files: [InboxEntry]) {
        var parts: [Key: [Part]] = [:]
        for file in files {
            // A set that was put together before is whole.
            guard !file.isSet, let part = PartName(file.name) else {
                single.append(file)
                continue
            }
            parts[Key(whole: part.whole, count: part.count), default: []].append(Part(entry: file, number: part.number))
        }
        for (key, parts) in parts.sorted(by: { ($0.key.whole, $0.key.count) < ($1.key.whole, $1.key.count) }) {
            add(parts.sorted { InboxEntry.isOlder($1.entry, $0.entry) }, key)
        }
    }

    /// Adds the newest export of a name, and then what is older.
    ///
    /// - Parameter parts: the newest first.
    private mutating func add(_ parts: [Part], _ key: Key) {
        guard let newest = parts.first?.entry.modified else { return }
        let fresh = parts.prefix { newest - $0.entry.modified <= within }
        let older = Array(parts.dropFirst(fresh.count))
        let inOrder = fresh.sorted { ($0.number, $0.entry.name) < ($1.number, $1.entry.name) }
        let set = InboxEntry(set: key.whole, parts: inOrder.map(\.entry))
        if var problem = PartName.problem(fresh.map(\.number), of: key.count) {
            if !older.isEmpty { problem += "; \(Self.spread(older.map(\.entry), within))" }
            incomplete.append(Incomplete(set: set, problem: problem))
        } else {
            whole.append(set)
        }
        add(older, key)
    }

    private static func spread(_ older: [InboxEntry], _ within: Duration) -> String {
        "\(listed(older.map(\.name))) older than the newest part by more than \(within.inWords) (source.parts-within)"
    }

    private static func listed(_ names: [String]) -> String {
        let more = names.count - 3
        return names.prefix(3).joined(separator: ", ")
            + (more > 0 ? " and \(more) more are" : names.count == 1 ? " is" : " are")
    }

    // MARK: - By manifests

    private mutating func sort(_ files: [InboxEntry], by manifests: [InboxEntry], among names: Set<String>) {
        let byName = Dictionary(files.map { ($0.name, $0) }) { first, _ in first }
        var taken: Set<String> = []
        for manifest in manifests.sorted(by: { InboxEntry.isOlder($1, $0) }) {
            let parts = manifest.lists.compactMap { byName[$0] }
            let set = InboxEntry(
                set: String(manifest.name.dropLast(NameRules.manifest.count)), parts: parts, manifest: manifest.name)
            let missing = manifest.lists.filter { byName[$0] == nil }
            let times = (parts + [manifest]).map(\.modified)
            let newest = times.max() ?? .zero
            let older = (parts + [manifest]).filter { newest - $0.modified > within }
            if let twice = parts.first(where: { taken.contains($0.name) }) {
                incomplete.append(Incomplete(set: set, problem: "\(twice.name) is listed in another manifest, too"))
            } else if !missing.isEmpty {
                incomplete.append(Incomplete(set: set, problem: "\(Self.listed(missing)) not there, or not yet whole"))
            } else if !older.isEmpty {
                incomplete.append(Incomplete(set: set, problem: Self.spread(older, within)))
            } else {
                whole.append(set)
            }
            taken.formUnion(parts.map(\.name))
        }
        for file in files where !taken.contains(file.name) {
            if file.isSet || names.contains(file.name + NameRules.manifest) {
                single.append(file)
            } else {
                unlisted.append(file)
            }
        }
    }
}

extension InboxEntry {
    /// The end of the name of a folder that holds the parts of one export.
    static let setEnding = ".parts"

    /// An export in several files; as old as its newest part.
    ///
    /// - Parameters:
    ///   - whole: the name of the export without that of a part.
    ///   - parts: in their order.
    ///   - manifest: the name of the manifest that lists them.
    init(set whole: String, parts: [InboxEntry], manifest: String? = nil) {
        self.init(folder: FileName.fitting(whole, ending: Self.setEnding), parts: parts, manifest: manifest)
    }

    /// The folder of an export's parts.
    init(folder name: String, parts: [InboxEntry], manifest: String?) {
        self.init(
            name: name, kind: .folder, size: parts.reduce(0) { $0 + $1.size },
            modified: parts.map(\.modified).max() ?? .zero, inode: 0)
        (self.parts, self.manifest) = (parts, manifest)
    }

    /// Whether it is an export in several files.
    var isSet: Bool { kind == .folder && !parts.isEmpty }
}
