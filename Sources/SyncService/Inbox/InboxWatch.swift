import CallPacing

/// Decides, look after look at the inbox, which files are whole.
///
/// A file is whole if its size, time and identity have not changed for the settling time, seen by at least two looks,
/// or if its `.done` marker or its manifest is beside it. Only the clock that is passed in counts: a file's own time may
/// be wrong, and only orders the files.
struct InboxWatch: Sendable {
    /// Why a file is not taken now; it will be looked at again.
    enum Wait: Sendable, Hashable {
        /// Not still for long enough.
        case settling(for: Duration)
        /// A marker or manifest whose export is not here yet.
        case withoutExport
    }

    /// Why a name will never be taken.
    enum Refusal: Sendable, Hashable {
        case notAFile(InboxEntryKind)
        /// The name is not UTF-8; it is shown as well as it can be.
        case nameNotText
    }

    /// What one look led to.
    struct View: Sendable, Hashable {
        /// Whole files, the oldest first.
        var ready: [InboxEntry] = []
        var waiting: [String: Wait] = [:]
        var refused: [String: Refusal] = [:]
    }

    /// How long a file must be still. Zero takes every file at first sight.
    var settle: Duration
    private var known: [String: (entry: InboxEntry, since: Duration)]

    init(settle: Duration) {
        self.settle = settle
        known = [:]
    }

    /// Notes a look. `now` is the time since any fixed moment and never goes back.
    mutating func look(_ entries: [InboxEntry], now: Duration) -> View {
        var view = View()
        var seen: [String: (entry: InboxEntry, since: Duration)] = [:]
        let names = Set(entries.map(\.name))
        for entry in entries where !InboxName.isIgnored(entry.name) {
            if entry.kind == .folder, InboxName.Folder(rawValue: entry.name) != nil { continue }
            guard entry.kind == .regular else {
                view.refused[entry.name] = .notAFile(entry.kind)
                continue
            }
            if InboxName.isCompanion(entry.name) {
                if !hasExport(entry.name, names) { view.waiting[entry.name] = .withoutExport }
                continue
            }
            let before = known[entry.name].flatMap { $0.entry == entry ? $0 : nil }
            let since = before?.since ?? now
            seen[entry.name] = (entry, since)
            let isComplete = InboxName.companions(of: entry.name).contains { names.contains($0) }
            if isComplete || settle <= .zero || before != nil && now - since >= settle {
                view.ready.append(entry)
            } else {
                view.waiting[entry.name] = .settling(for: settle - (now - since))
            }
        }
        known = seen
        view.ready.sort(by: InboxEntry.isOlder)
        return view
    }

    private func hasExport(_ companion: String, _ names: Set<String>) -> Bool {
        [InboxName.manifest, InboxName.doneMarker].contains { ending in
            companion.hasSuffix(ending) && names.contains(String(companion.dropLast(ending.count)))
        }
    }
}

extension InboxWatch.Wait: CustomStringConvertible {
    var description: String {
        switch self {
        case .settling(let rest): "it may still be written; taken when it has been still for another \(rest.inWords)"
        case .withoutExport: "its export is not here yet"
        }
    }
}

extension InboxWatch.Refusal: CustomStringConvertible {
    var description: String {
        switch self {
        case .notAFile(let kind): "a \(kind.rawValue) is never read; put a copy of the export itself here"
        case .nameNotText: "its name is not UTF-8; rename it"
        }
    }
}
