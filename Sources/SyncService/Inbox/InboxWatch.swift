import CallPacing

/// Decides, look after look at the inbox, which files are whole.
///
/// A file is whole if its size, time and identity have not changed for the settling time, seen by at least two looks,
/// or if its marker, its manifest or its trigger is beside it. Only the clock that is passed in counts: a file's own time may
/// be wrong, and only orders the files.
struct InboxWatch: Sendable {
    /// Why a file is not taken now; it will be looked at again.
    enum Wait: Sendable, Hashable {
        /// Not still for long enough.
        case settling(for: Duration)
        /// A marker or manifest whose export is not here yet.
        case withoutExport
        /// Its trigger is not here yet, or older than it.
        case withoutTrigger
        /// A checksum beside it is older than it; taken with it after this time.
        case oldChecksum(for: Duration)
        /// Exports come with manifests that list their files, and none lists it.
        case withoutManifest
    }

    /// Why a name will never be taken.
    enum Refusal: Sendable, Hashable {
        case notAFile(InboxEntryKind)
        /// The name is not UTF-8; it is shown as well as it can be.
        case nameNotText
        /// Nothing says that it is an export.
        case notIncluded
    }

    /// What one look led to.
    struct View: Sendable, Hashable {
        /// Whole files, the oldest first.
        var ready: [InboxEntry] = []
        var waiting: [String: Wait] = [:]
        /// Exports of which parts are missing.
        var incomplete: [ExportSets.Incomplete] = []
        var refused: [String: Refusal] = [:]

        /// The exports that are there, whether they can be taken now or not.
        var count: Int { ready.count + waiting.count + incomplete.count }
    }

    /// How long a file must be still. Zero takes every file at first sight.
    var settle: Duration
    let rules: NameRules
    private var known: [String: (entry: InboxEntry, since: Duration)]
    /// Since when incomplete exports are as they are.
    private var incomplete: [InboxEntry: Duration] = [:]

    /// How long a checksum that is older than its export is waited for.
    static let checksumPatience = Duration.seconds(600)

    init(settle: Duration, rules: NameRules = .everything) {
        self.settle = settle
        self.rules = rules
        known = [:]
    }

    /// Notes a look. `now` is the time since any fixed moment and never goes back.
    mutating func look(_ entries: [InboxEntry], now: Duration) -> View {
        var view = View()
        var seen: [String: (entry: InboxEntry, since: Duration)] = [:]
        // A link says nothing of an export, nor does a folder.
        let byName = Dictionary(entries.filter { $0.kind == .regular }.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(byName.keys)
        for entry in entries {
            if entry.isSet {
                view.ready.append(entry)
                continue
            }
            let meaning = rules.meaning(of: entry)
            if meaning == .leftAlone { continue }
            if entry.kind == .folder, InboxName.Folder(rawValue: entry.name) != nil { continue }
            guard entry.kind == .regular else {
                view.refused[entry.name] = .notAFile(entry.kind)
                continue
            }
            switch meaning {
            case .leftAlone, .excluded: break
            case .companion:
                if entry.lists.isEmpty, NameRules.announces(entry.name, names) {
                    view.waiting[entry.name] = .withoutExport
                }
            case .notIncluded: view.refused[entry.name] = .notIncluded
            case .export:
                let before = known[entry.name].flatMap { $0.entry == entry ? $0 : nil }
                let since = before?.since ?? now
                seen[entry.name] = (entry, since)
                if let wait = wait(for: entry, since: before == nil ? nil : since, byName, now: now) {
                    view.waiting[entry.name] = wait
                } else {
                    view.ready.append(entry)
                }
            }
        }
        known = seen
        putTogether(&view, manifests: entries.filter { !$0.lists.isEmpty }, among: names, now: now)
        view.ready.sort(by: InboxEntry.isOlder)
        return view
    }

    /// Makes one export of the files that are one.
    private mutating func putTogether(
        _ view: inout View, manifests: [InboxEntry], among names: Set<String>, now: Duration
    ) {
        let sets = ExportSets(
            view.ready, manifests: manifests, rule: rules.parts, within: rules.partsWithin, among: names)
        view.ready = sets.single + sets.whole
        for file in sets.unlisted { view.waiting[file.name] = .withoutManifest }
        var since: [InboxEntry: Duration] = [:]
        view.incomplete = sets.incomplete.map { incomplete in
            let begun = self.incomplete[incomplete.set] ?? now
            since[incomplete.set] = begun
            var incomplete = incomplete
            incomplete.waited = now - begun
            return incomplete
        }
        self.incomplete = since
    }

    /// What an export is to wait for; nil if it is whole.
    ///
    /// - Parameter since: since when it is as it is; nil if this is the first look at it.
    private func wait(
        for entry: InboxEntry, since: Duration?, _ entries: [String: InboxEntry], now: Duration
    ) -> Wait? {
        let still = since.map { now - $0 } ?? .zero
        if NameRules.hasOldChecksum(entry, among: entries), still < Self.checksumPatience {
            return .oldChecksum(for: Self.checksumPatience - still)
        }
        if rules.isDeclaredWhole(entry, among: entries) { return nil }
        if !rules.triggers.isEmpty { return .withoutTrigger }
        return settle <= .zero || since != nil && still >= settle ? nil : .settling(for: settle - still)
    }
}

extension InboxWatch.Wait: CustomStringConvertible {
    var description: String {
        switch self {
        case .settling(let rest): "it may still be written; taken when it has been still for another \(rest.inWords)"
        case .withoutExport: "its export is not here yet"
        case .withoutTrigger: "its trigger (source.trigger) is not here yet, or older than it"
        case .oldChecksum(let rest):
            "the checksum beside it is older than it; taken with that one after another \(rest.inWords)"
        case .withoutManifest: "no manifest lists it or is beside it (source.parts: manifest)"
        }
    }
}

extension InboxWatch.Refusal: CustomStringConvertible {
    var description: String {
        switch self {
        case .notAFile(let kind): "a \(kind.rawValue) is never read; put a copy of the export itself here"
        case .nameNotText: "its name is not UTF-8; rename it"
        case .notIncluded: "its name is not that of an export; if it is one, add it to source.include"
        }
    }
}

extension ExportSets.Incomplete {
    /// What is told of it.
    var sentence: String {
        let name = set.name.dropLast(InboxEntry.setEnding.count)
        return "\(name) is not applied: \(problem); nothing has changed for \(waited.inWords)"
    }
}

extension InboxWatch.Refusal {
    /// Some names are shown, and how many more there are.
    private static let shownNames = 10

    /// What is passed over, a sentence each.
    static func notes(_ refused: [String: InboxWatch.Refusal]) -> [String] {
        let names = refused.keys.sorted()
        let more = names.count - shownNames
        return names.prefix(shownNames).compactMap { name in refused[name].map { "\(name) is not taken: \($0)" } }
            + (more > 0 ? ["\(more) more names are not taken; the log has them"] : [])
    }
}
