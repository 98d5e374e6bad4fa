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
        var isSettling = false
    }

    /// An export that was fetched and that the inbox does not show yet, with the names of its companions.
    private struct Arrival {
        let export: RemoteExport
        let fetched: SourceMemory.Fetched
        var companions: [String] = []
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
        let (unavailable, passedOver) = state.withLock { ($0.memory?.unavailable ?? [], $0.passedOver) }
        return unavailable.map { seen in
            let rest = max(.zero, (seen.nextAttempt ?? now) - now)
            return "\(seen.name) cannot be had: \(seen.problem ?? ""); it is asked for again in \(rest.inWords)"
        } + InboxWatch.Refusal.notes(passedOver)
    }

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
        let (look, passedOver) = state.withLock { state in
            let view = state.watch.look(listed.values.map(Self.entry), now: now)
            state.isSettling = !view.waiting.isEmpty
            let new = view.refused.filter { state.refused.insert($0.key).inserted }
            state.passedOver = view.refused
            return (state.memory?.look(view.ready.compactMap { listed[$0.name] }, now: wall) ?? .init(), new)
        }
        for (name, refusal) in passedOver.sorted(by: { $0.key < $1.key }) {
            logger.warning("not fetched", metadata: ["file": .quoted(name), "reason": "\(refusal)"])
        }
        // The times at which they were first seen, before anything is made of them.
        try save()
        look.notices.forEach(tell)
        var arrivals: [Arrival] = []
        var failure: (any Error)?
        for export in look.wanted {
            do {
                if let arrival = try await receive(export, among: listed) { arrivals.append(arrival) }
            } catch {
                if Task.isCancelled { throw error }
                note(error, of: export)
                if (error as? SourceError)?.isOfOneExport == true, export.version != nil { continue }
                // What came before it is whole, and is not fetched again.
                failure = error
                break
            }
        }
        if source.needsSettling, !arrivals.isEmpty { arrivals = try await unchanged(arrivals) }
        try publication.withLock { _ in try publish(arrivals) }
        try save()
        if let failure { throw failure }
        return arrivals.count
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

    private static func entry(_ export: RemoteExport) -> InboxEntry {
        InboxEntry(name: export.name, size: export.size ?? 0, modified: export.modified ?? .zero, inode: 0)
    }

    /// Fetches one export with its manifest; nil if it is a version that was fetched before.
    private func receive(_ export: RemoteExport, among listed: [String: RemoteExport]) async throws -> Arrival? {
        let known = state.withLock { $0.memory?.current(export.name) }
        let file = PartialFile(folder: folder, name: export.name, limit: options.limit)
        let download = try await source.download(
            export, known: known.flatMap { ExportVersion(words: $0.version) }, to: file)
        guard case .complete(let version, let modified) = download else {
            state.withLock { $0.memory?.unchanged(export.name, now: wall) }
            return nil
        }
        let (digest, size) = (try file.digest(), file.size)
        let fetched = state.withLock {
            $0.memory?.judge(export, version, modified: modified, digest: digest, size: size, now: wall)
        }
        guard let fetched, case .new(let seen) = fetched else {
            file.discard()
            if let fetched { state.withLock { $0.memory?.remember(fetched) } }
            return nil
        }
        state.withLock { $0.memory?.sight(fetched) }
        try save()
        // Nothing else in the inbox says when it was made.
        try file.finish(modified: seen.time)
        var arrival = Arrival(export: export, fetched: fetched)
        for statement in NameRules.statements(of: export.name).compactMap({ listed[$0] }) {
            try await fetch(statement)
            arrival.companions.append(statement.name)
        }
        if arrival.companions.allSatisfy({ $0.hasSuffix(NameRules.manifest) }) {
            arrival.companions += try await fetchChecksum(of: export.name, among: listed)
        }
        return arrival
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
            guard let digest = ExportChecksum.listed(name, in: path(list)) else { continue }
            try DurableFile.write("\(digest)  \(name)\n".utf8, to: path(name + ending))
            return [name + ending]
        }
        return []
    }

    /// Those that the source still lists as it did before they were fetched; the others are fetched anew.
    private func unchanged(_ arrivals: [Arrival]) async throws -> [Arrival] {
        let listed = try await list()
        return arrivals.filter { arrival in
            if listed[arrival.export.name]?.version == arrival.export.version { return true }
            for name in arrival.companions + [arrival.export.name] {
                PartialFile(folder: folder, name: name, limit: options.limit).discard()
            }
            return false
        }
    }

    /// Gives the files their names, the oldest first, and remembers them.
    private func publish(_ arrivals: [Arrival]) throws {
        guard !arrivals.isEmpty else { return }
        for arrival in arrivals {
            let name = InboxName.free(arrival.export.name) { FolderCalls.exists("\(folder)/\($0)") }
            for companion in arrival.companions {
                let ending = companion.dropFirst(arrival.export.name.count)
                try FolderCalls.move(path(companion), to: "\(folder)/\(name)\(ending)")
            }
            try FolderCalls.move(path(arrival.export.name), to: "\(folder)/\(name)")
            logger.notice("fetched", metadata: ["file": .quoted(name), "source": "\(source.words)"])
            state.withLock { $0.memory?.remember(arrival.fetched) }
        }
        // First the files, then what is known of them: after a crash in between they are fetched again, and those that
        // were applied are told by their bytes and their time.
        try FolderCalls.synchronize(folder)
    }

    private func path(_ name: String) -> String { PartialFile.path(folder: folder, name: name) }

    func shutdown() async { await source.shutdown() }
}
