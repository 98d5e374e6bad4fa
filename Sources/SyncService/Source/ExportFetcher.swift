import CallPacing
import DurableFiles
import ExportFiles
import ExportSources
import Foundation
import Ledger
import Logging
import Synchronization

/// Fetches the new exports of a source into the job's own inbox, whole and forced to the disk, where they are claimed as
/// those that other programs put there.
///
/// What is fetched is `SourceMemory`'s to say; a file gets the time that counts for its order. To be used by one task;
/// `trouble`, `notes` and `isSettling` by any.
final class ExportFetcher: Sendable {
    /// How a source is fetched from.
    struct Options: Sendable {
        /// How long an export must be still if the source lists what is being written.
        var settle: Duration
        /// The most bytes of an export.
        var limit: Int
        var rules = SourceMemory.Rules()
        var names = NameRules.everything
    }

    private struct State {
        var watch: InboxWatch
        /// Nil before the first look.
        var memory: SourceMemory?
        var trouble: SourceTrouble?
        /// Names that cannot be used here, which the log tells once.
        var refused: Set<String> = []
        /// Why names of the last listing are passed over.
        var passedOver: [String: InboxWatch.Refusal] = [:]
        /// Exports that something is to be fetched of, and parts are missing.
        var incomplete: [ExportSets.Incomplete] = []
        /// What the manifests there list, by their names.
        var lists: [String: (version: ExportVersion?, names: [String])] = [:]
        var isSettling = false
    }

    /// A file that was fetched and that the inbox does not show yet, with the names of its companions.
    private struct File {
        let export: RemoteExport
        let fetched: SourceMemory.Fetched
        var companions: [String] = []

        var names: [String] { companions + [export.name] }
    }

    /// An export that was fetched: one file, or the parts of a set.
    private struct Arrival {
        var files: [File]
        /// The name of the set, and that of its manifest if it has one; nil for one file.
        var set: InboxEntry?
    }

    let source: any ExportSource
    private let name: String
    private let folder: String
    private let ledger: Ledger
    private let options: Options
    private let time: TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    /// Held while exports that came together get their names.
    private let publication = Mutex<Void>(())

    /// - Parameters:
    ///   - name: the name of the source in the ledger, which remembers what was seen of it.
    ///   - folder: the inbox, which exists.
    init(
        source: any ExportSource, name: String, folder: String, ledger: Ledger, options: Options, time: TimeSource,
        logger: Logger
    ) {
        self.source = source
        self.name = name
        self.folder = folder
        self.ledger = ledger
        self.options = options
        self.time = time
        self.logger = logger
        state = Mutex(
            State(watch: InboxWatch(settle: source.needsSettling ? options.settle : .zero, rules: options.names)))
    }

    /// Everything in the inbox, listed at a moment when nothing comes into sight there.
    ///
    /// What was fetched together is seen together: in a part of it, an older snapshot would be taken for the newest.
    func list(_ inbox: Inbox) throws(InboxError) -> (entries: [InboxEntry], unreadable: [String]) {
        try publication.withLock { _ throws(InboxError) in try inbox.list() }
    }

    /// Why the source cannot be read; nil if it can.
    var trouble: SourceTrouble? { state.withLock { $0.trouble } }

    /// What is passed over there for now, a sentence each.
    var notes: [String] {
        let now = wall
        let (unavailable, passedOver, incomplete) = state.withLock {
            ($0.memory?.unavailable ?? [], $0.passedOver, $0.incomplete)
        }
        return unavailable.map { seen in
            let rest = max(.zero, (seen.nextAttempt ?? now) - now)
            return "\(seen.name) cannot be had: \(seen.problem ?? ""); it is asked for again in \(rest.inWords)"
        } + InboxWatch.Refusal.notes(passedOver) + incomplete.map(\.sentence)
    }

    /// How many exports are there of which parts are missing.
    var lackingParts: Int { state.withLock { $0.incomplete.count } }

    /// Exports of which parts are missing there for long, a sentence each.
    var overdue: [String] { state.withLock { $0.incomplete.filter(\.isOverdue).map(\.sentence) } }

    /// Whether something is there that may still be written.
    var isSettling: Bool { state.withLock { $0.isSettling } }

    /// Waits for another time until a listed export is still.
    func adjust(settle: Duration) {
        guard source.needsSettling else { return }
        state.withLock { $0.watch.settle = settle }
    }

    /// The time since 1970.
    private var wall: Duration { .milliseconds((time.wall().timeIntervalSince1970 * 1000).rounded(.down)) }

    /// Looks at the source if its time has come, and fetches what is new. Returns how many exports came.
    ///
    /// - Parameters:
    ///   - now: the time now by the job's own clock, read again after long waits.
    ///   - interval: that of the polls.
    func fetch(now: () -> Duration, interval: Duration) async -> Int {
        if let trouble, now() < trouble.nextAttempt { return 0 }
        defer { for notice in source.takeNotices() { tell(notice) } }
        do {
            let count = try await fetchNew(now: now())
            let trouble = state.withLock { state in
                defer { state.trouble = nil }
                return state.trouble
            }
            if trouble != nil { logger.notice("the source can be read again", metadata: ["source": "\(source.words)"]) }
            return count
        } catch {
            // A service that stops gives up what it is fetching; that is no trouble of the source.
            guard !Task.isCancelled else { return 0 }
            let isNew = state.withLock { state in
                let before = state.trouble
                state.trouble = SourceTrouble(
                    after: before, "\(error)", now: now(), interval: interval,
                    retryAfter: (error as? SourceError)?.retryAfter)
                return before?.problem != "\(error)"
            }
            if isNew { logger.error("the source cannot be read", metadata: ["error": .quoted("\(error)")]) }
            return 0
        }
    }

    private func tell(_ notice: String) { logger.warning("odd", metadata: ["source": .quoted(notice)]) }

    private func fetchNew(now: Duration) async throws -> Int {
        try recall()
        let listed = try await list()
        let wanted = look(try await entries(listed), listed, now: now)
        // The times at which they were first seen, before anything is made of them.
        try save()
        var arrivals: [Arrival] = []
        var failure: (any Error)?
        for (set, files) in wanted {
            do throws(FailedFile) {
                if let arrival = try await receive(files, of: set, among: listed) { arrivals.append(arrival) }
            } catch {
                if Task.isCancelled { throw error.reason }
                note(error.reason, of: error.export)
                if (error.reason as? SourceError)?.isOfOneExport == true, error.export.version != nil { continue }
                // What came before it is whole, and is not fetched again.
                failure = error.reason
                break
            }
        }
        if source.needsSettling, !arrivals.isEmpty { arrivals = try await unchanged(arrivals) }
        try publication.withLock { _ in try publish(arrivals) }
        try save()
        if let failure { throw failure }
        return arrivals.count
    }

    /// Notes what is listed, and returns what is to be fetched, the oldest first: files, or sets with their parts.
    private func look(
        _ entries: [InboxEntry], _ listed: [String: RemoteExport], now: Duration
    ) -> [(set: InboxEntry?, files: [RemoteExport])] {
        func files(_ entry: InboxEntry) -> [RemoteExport] {
            (entry.isSet ? entry.parts.map(\.name) : [entry.name]).compactMap { listed[$0] }
        }
        let (look, view, refused, late) = state.withLock { state in
            let view = state.watch.look(entries, now: now)
            state.isSettling = view.waiting.values.contains { $0 != .withoutManifest }
            let new = view.refused.filter { state.refused.insert($0.key).inserted }
            state.passedOver = view.refused
            let known = (view.ready + view.incomplete.map(\.set)).flatMap(files)
            let look = state.memory?.look(known, now: wall) ?? .init()
            let unfetched = Set(look.wanted.map(\.name)).union(look.postponed)
            let told = Set(state.incomplete.filter(\.isOverdue).map(\.set))
            // Of what was fetched before, a part may be gone.
            state.incomplete = view.incomplete.filter { $0.set.parts.contains { unfetched.contains($0.name) } }
            return (look, view, new, state.incomplete.filter { $0.isOverdue && !told.contains($0.set) })
        }
        for (name, refusal) in refused.sorted(by: { $0.key < $1.key }) {
            logger.warning("not fetched", metadata: ["file": .quoted(name), "reason": "\(refusal)"])
        }
        for incomplete in late {
            logger.warning(
                "parts of an export are missing",
                metadata: ["export": .quoted(incomplete.set.name), "reason": .quoted(incomplete.sentence)])
        }
        look.notices.forEach(tell)
        let sets = Dictionary(view.ready.filter(\.isSet).map { ($0.parts.map(\.name), $0) }) { first, _ in first }
        return SourceMemory.wanted(look, of: view.ready.map(files)).map { (sets[$0.map(\.name)], $0) }
    }

    /// Reads what the ledger remembers of the source, before the first look.
    private func recall() throws {
        guard state.withLock({ $0.memory == nil }) else { return }
        let memory = SourceMemory(try ledger.seenExports(of: name), rules: options.rules)
        state.withLock { $0.memory = memory }
    }

    /// Writes into the ledger what is new in the memory.
    private func save() throws {
        let changes = state.withLock { $0.memory?.changes }
        guard let changes else { return }
        try ledger.recordSeen(changes.changed, forgetting: changes.forgotten, of: name)
        state.withLock { $0.memory?.written() }
    }

    /// Notes an export that cannot be had now, and says so once.
    private func note(_ error: any Error, of export: RemoteExport) {
        let isNew = state.withLock { $0.memory?.failed(export, "\(error)", now: wall) ?? false }
        guard isNew, (error as? SourceError)?.isOfOneExport == true else { return }
        logger.error(
            "an export cannot be had", metadata: ["file": .quoted(export.name), "error": .quoted("\(error)")])
    }

    /// What the source has, by name, without names that cannot be used here.
    private func list() async throws(SourceError) -> [String: RemoteExport] {
        var listed: [String: RemoteExport] = [:]
        for export in try await source.list() {
            if ExportName.isUsable(export.name) {
                listed[export.name] = export
            } else if state.withLock({ $0.refused.insert(export.name).inserted }) {
                logger.warning(
                    "not fetched",
                    metadata: ["file": .quoted(export.name), "reason": "a name that no file can have here; rename it"])
            }
        }
        return listed
    }

    /// What is listed, with what the manifests of parts there list.
    private func entries(_ listed: [String: RemoteExport]) async throws -> [InboxEntry] {
        let names = Set(listed.keys)
        var entries: [InboxEntry] = []
        for export in listed.values {
            var entry = InboxEntry(
                name: export.name, size: export.size ?? 0, modified: export.modified ?? .zero, inode: 0)
            if options.names.parts == .manifest, export.name.hasSuffix(NameRules.manifest),
                NameRules.announces(export.name, names)
            {
                entry.lists = try await list(of: export)
            }
            entries.append(entry)
        }
        return entries
    }

    /// The names that a manifest there lists; empty if it cannot be had now.
    private func list(of manifest: RemoteExport) async throws -> [String] {
        if let known = state.withLock({ $0.lists[manifest.name] }), known.version != nil,
            known.version == manifest.version
        {
            return known.names
        }
        do throws(SourceError) {
            try await fetch(manifest)
        } catch {
            guard error.isOfOneExport else { throw error }
            return []
        }
        defer { partial(manifest.name).discard() }
        let names = ExportManifest.listed(
            in: PartialFile.name(of: manifest.name), of: try FolderCalls.open(folder))
        state.withLock { $0.lists[manifest.name] = (manifest.version, names) }
        return names
    }

    /// Why one file of an export could not be fetched.
    private struct FailedFile: Error {
        let export: RemoteExport
        let reason: any Error
    }

    /// Fetches the files of one export with their companions; nil if all are versions that were fetched before.
    ///
    /// - Parameter set: what the files are parts of; nil for one file.
    private func receive(
        _ exports: [RemoteExport], of set: InboxEntry?, among listed: [String: RemoteExport]
    ) async throws(FailedFile) -> Arrival? {
        var files: [File] = []
        for export in exports {
            do {
                guard let fetched = try await download(export, isPart: set != nil) else { return nil }
                files.append(File(export: export, fetched: fetched))
            } catch {
                throw FailedFile(export: export, reason: error)
            }
        }
        guard files.contains(where: { $0.fetched.isNew }) else {
            for file in files {
                partial(file.export.name).discard()
                state.withLock { $0.memory?.remember(file.fetched) }
            }
            return nil
        }
        do {
            state.withLock { state in for file in files where file.fetched.isNew { state.memory?.sight(file.fetched) } }
            try save()
            for place in files.indices {
                // Nothing else in the inbox says when it was made.
                try partial(files[place].export.name).finish(modified: files[place].fetched.seen.time)
                files[place].companions = try await fetchCompanions(of: files[place].export.name, among: listed)
            }
            if let manifest = set?.manifest.flatMap({ listed[$0] }) { try await fetch(manifest) }
        } catch {
            throw FailedFile(export: exports[0], reason: error)
        }
        return Arrival(files: files, set: set)
    }

    /// Fetches one file; nil if the source says that it is the version that was fetched before.
    ///
    /// - Parameter isPart: whether it comes whole in any case, as others that belong to it do.
    private func download(_ export: RemoteExport, isPart: Bool) async throws -> SourceMemory.Fetched? {
        let known = isPart ? nil : state.withLock { $0.memory?.current(export.name) }
        let file = partial(export.name)
        if let size = export.size { try file.requireRoom(size - file.size) }
        let download = try await source.download(
            export, known: known.flatMap { ExportVersion(words: $0.version) }, to: file)
        guard case .complete(let version, let modified) = download else {
            state.withLock { $0.memory?.unchanged(export.name, now: wall) }
            return nil
        }
        let (digest, size) = (try file.digest(), file.size)
        return state.withLock {
            $0.memory?.judge(export, version, modified: modified, digest: digest, size: size, now: wall)
        }
    }

    private func partial(_ name: String) -> PartialFile {
        PartialFile(folder: folder, name: name, limit: options.limit)
    }

    /// Fetches what the source says of a file beside it. Returns the names of the files.
    private func fetchCompanions(of name: String, among listed: [String: RemoteExport]) async throws -> [String] {
        var companions: [String] = []
        for statement in NameRules.statements(of: name).compactMap({ listed[$0] }) {
            try await fetch(statement)
            companions.append(statement.name)
        }
        guard companions.allSatisfy({ $0.hasSuffix(NameRules.manifest) }) else { return companions }
        return companions + (try await fetchChecksum(of: name, among: listed))
    }

    private func fetch(_ statement: RemoteExport) async throws(SourceError) {
        let file = PartialFile(folder: folder, name: statement.name, limit: options.limit)
        guard case .complete = try await source.download(statement, known: nil, to: file) else { return }
        try file.finish(modified: statement.modified)
    }

    /// Writes what a list of checksums at the source says of an export. Returns the name of the file.
    private func fetchChecksum(of name: String, among listed: [String: RemoteExport]) async throws -> [String] {
        for (list, ending) in zip(NameRules.checksumLists, NameRules.checksums) {
            guard let remote = listed[list] else { continue }
            try await fetch(remote)
            defer { PartialFile(folder: folder, name: list, limit: options.limit).discard() }
            guard let digest = ExportChecksum.listed(name, in: try OpenFile(path(list), for: .readingNoLink)) else {
                continue
            }
            try DurableFile.write("\(digest)  \(name)\n".utf8, to: path(name + ending))
            return [name + ending]
        }
        return []
    }

    /// Those that the source still lists as it did before they were fetched; the others are fetched anew.
    private func unchanged(_ arrivals: [Arrival]) async throws -> [Arrival] {
        let listed = try await list()
        return arrivals.filter { arrival in
            if arrival.files.allSatisfy({ listed[$0.export.name]?.version == $0.export.version }) { return true }
            for name in arrival.files.flatMap(\.names) { partial(name).discard() }
            return false
        }
    }

    /// Gives the exports their names, the oldest first, and remembers them.
    private func publish(_ arrivals: [Arrival]) throws {
        guard !arrivals.isEmpty else { return }
        let inbox = try FolderCalls.open(folder)
        for arrival in arrivals {
            let name = InboxName.free(arrival.set?.name ?? arrival.files[0].export.name) { inbox.exists($0) }
            if let set = arrival.set {
                try gather(arrival.files, set, in: inbox, as: name)
            } else {
                try move(arrival.files[0], from: inbox, to: inbox, as: name)
            }
            logger.notice("fetched", metadata: ["file": .quoted(name), "source": "\(source.words)"])
            state.withLock { state in for file in arrival.files { state.memory?.remember(file.fetched) } }
        }
        // First the files, then what is known of them: after a crash in between they are fetched again, and those that
        // were applied are told by their bytes and their time.
        try FolderCalls.synchronize(inbox)
    }

    private func move(_ file: File, from inbox: OpenFolder, to target: OpenFolder, as name: String) throws {
        for companion in file.companions {
            let beside = FileName.beside(name, String(companion.dropFirst(file.export.name.count)))
            // Its export did not follow it when a process ended in between, and is fetched again with it.
            try FolderCalls.remove(beside, in: target)
            try FolderCalls.move(PartialFile.name(of: companion), from: inbox, to: target, as: beside)
        }
        try FolderCalls.move(PartialFile.name(of: file.export.name), from: inbox, to: target, as: name)
    }

    /// Puts the parts of an export into a folder, which gets its name when all are in it.
    private func gather(_ files: [File], _ set: InboxEntry, in inbox: OpenFolder, as name: String) throws {
        let unfinished = ".gathering"
        try FolderCalls.remove(unfinished, in: inbox)
        let gathering = try FolderCalls.make(unfinished, in: inbox)
        for file in files { try move(file, from: inbox, to: gathering, as: file.export.name) }
        if let manifest = set.manifest {
            try FolderCalls.move(PartialFile.name(of: manifest), from: inbox, to: gathering, as: manifest)
        }
        try FolderCalls.synchronize(gathering)
        try FolderCalls.move(unfinished, from: inbox, to: inbox, as: name)
    }

    private func path(_ name: String) -> String { PartialFile.path(folder: folder, name: name) }

    func shutdown() async { await source.shutdown() }
}
