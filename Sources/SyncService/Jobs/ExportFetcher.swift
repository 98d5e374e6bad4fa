import CallPacing
import ExportSources
import Logging
import Synchronization

/// Fetches the new exports of a source into the job's own inbox, whole and forced to the disk, where they are claimed as
/// those that other programs put there.
///
/// To be used by one task; `trouble` by any.
final class ExportFetcher: Sendable {
    private struct State {
        var watch: InboxWatch
        var memory: FetchMemory
        var trouble: SourceTrouble?
        /// Names that cannot be used here, which the log tells once.
        var refused: Set<String> = []
        var isSettling = false
    }

    /// An export that was fetched and that the inbox does not show yet, with the names of its companions.
    private struct Arrival {
        let name: String
        let version: ExportVersion
        var companions: [String] = []
    }

    let source: any ExportSource
    private let folder: String
    private let limit: Int
    private let logger: Logger
    private let state: Mutex<State>
    /// Held while exports that came together get their names.
    private let publication = Mutex<Void>(())

    /// - Parameters:
    ///   - folder: the inbox, which exists.
    ///   - settle: how long an export must be still if the source lists what is being written.
    ///   - limit: the most bytes of an export.
    init(source: any ExportSource, folder: String, settle: Duration, limit: Int, logger: Logger) {
        self.source = source
        self.folder = folder
        self.limit = limit
        self.logger = logger
        state = Mutex(
            State(
                watch: InboxWatch(settle: source.needsSettling ? settle : .zero), memory: FetchMemory(folder: folder)))
    }

    /// Everything in the inbox, listed at a moment when nothing comes into sight there.
    ///
    /// What was fetched together is seen together: in a part of it, an older snapshot would be taken for the newest.
    func list(_ inbox: Inbox) throws(InboxError) -> (entries: [InboxEntry], unreadable: [String]) {
        try publication.withLock { _ throws(InboxError) in try inbox.list() }
    }

    /// Why the source cannot be read; nil if it can.
    var trouble: SourceTrouble? { state.withLock { $0.trouble } }

    /// Whether something is there that may still be written.
    var isSettling: Bool { state.withLock { $0.isSettling } }

    /// Waits for another time until a listed export is still.
    func adjust(settle: Duration) {
        guard source.needsSettling else { return }
        state.withLock { $0.watch.settle = settle }
    }

    /// Looks at the source if its time has come, and fetches what is new. Returns how many exports came.
    ///
    /// - Parameters:
    ///   - now: the time now, read again after long waits.
    ///   - interval: that of the polls.
    func fetch(now: () -> Duration, interval: Duration) async -> Int {
        if let trouble, now() < trouble.nextAttempt { return 0 }
        defer {
            for notice in source.takeNotices() { logger.warning("odd", metadata: ["source": .quoted(notice)]) }
        }
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

    private func fetchNew(now: Duration) async throws -> Int {
        let listed = try await list()
        let wanted = state.withLock { state in
            let view = state.watch.look(listed.values.map(Self.entry), now: now)
            state.isSettling = !view.waiting.isEmpty
            return view.ready.compactMap { listed[$0.name] }.filter { !state.memory.has($0) }
        }
        var arrivals: [Arrival] = []
        var failure: (any Error)?
        for export in wanted {
            do {
                if let arrival = try await receive(export, among: listed) { arrivals.append(arrival) }
            } catch {
                // What came before it is whole, and is not fetched again.
                failure = error
                break
            }
        }
        if source.needsSettling, !arrivals.isEmpty { arrivals = try await unchanged(arrivals) }
        try publication.withLock { _ in try publish(arrivals, listed: Set(listed.keys)) }
        if let failure { throw failure }
        return arrivals.count
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

    /// Fetches one export with its manifest; nil if the content is that which was fetched before.
    private func receive(_ export: RemoteExport, among listed: [String: RemoteExport]) async throws -> Arrival? {
        let known = state.withLock { $0.memory.fetched[export.name] }
        guard case .complete(let version, let modified) = try await download(export, known: known) else {
            return nil
        }
        var arrival = Arrival(name: export.name, version: version)
        try PartialFile(folder: folder, name: export.name, limit: limit).finish(modified: modified)
        if let manifest = listed[export.name + InboxName.manifest],
            case .complete(_, let time) = try await download(manifest, known: nil)
        {
            try PartialFile(folder: folder, name: manifest.name, limit: limit).finish(modified: time)
            arrival.companions.append(manifest.name)
        }
        return arrival
    }

    private func download(_ export: RemoteExport, known: ExportVersion?) async throws(SourceError) -> Download {
        try await source.download(
            export, known: known, to: PartialFile(folder: folder, name: export.name, limit: limit))
    }

    /// Those that the source still lists as it did before they were fetched; the others are fetched anew.
    private func unchanged(_ arrivals: [Arrival]) async throws -> [Arrival] {
        let listed = try await list()
        return arrivals.filter { arrival in
            if listed[arrival.name]?.version == arrival.version { return true }
            for name in arrival.companions + [arrival.name] {
                PartialFile(folder: folder, name: name, limit: limit).discard()
            }
            return false
        }
    }

    /// Gives the files their names, the oldest first, and remembers them.
    private func publish(_ arrivals: [Arrival], listed: Set<String>) throws {
        for arrival in arrivals {
            let name = InboxName.free(arrival.name) { FolderCalls.exists("\(folder)/\($0)") }
            for companion in arrival.companions {
                let ending = companion.dropFirst(arrival.name.count)
                try FolderCalls.move(path(companion), to: "\(folder)/\(name)\(ending)")
            }
            try FolderCalls.move(path(arrival.name), to: "\(folder)/\(name)")
            logger.notice(
                "fetched", metadata: ["file": .quoted(name), "source": "\(source.words)"])
        }
        let memory = state.withLock { state in
            let before = state.memory
            for arrival in arrivals { state.memory.remember(arrival.name, arrival.version) }
            state.memory.keep(listed)
            return state.memory == before ? nil : state.memory
        }
        guard let memory else { return }
        // First the files, then what is known of them: after a crash in between they are fetched again, which does no harm.
        try FolderCalls.synchronize(folder)
        try memory.write(to: folder)
    }

    private func path(_ name: String) -> String { PartialFile.path(folder: folder, name: name) }

    func shutdown() async { await source.shutdown() }
}
