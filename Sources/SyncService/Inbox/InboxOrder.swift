import CallPacing
import ExportSources
import Foundation
import Ledger
import Logging
import SyncEngine
import Synchronization

/// The order of the exports in an inbox: by the time that counts for each.
///
/// An export with a time in the future counts as of when it was first seen, which the ledger remembers.
final class InboxOrder: Sendable {
    private let rules: SourceMemory.Rules
    private let source: String
    private let ledger: Ledger
    private let time: TimeSource
    private let log: Logger
    /// What had a time in the future; nil before it is asked for.
    private let memory = Mutex<SourceMemory?>(nil)

    /// - Parameter source: the name of the source in the ledger.
    init(_ rules: SourceMemory.Rules, _ source: String, _ session: StoreSession) {
        self.rules = rules
        self.source = source
        ledger = session.ledger
        time = session.time
        log = session.log
    }

    private var now: Duration { .milliseconds((time.wall().timeIntervalSince1970 * 1000).rounded(.down)) }

    /// The oldest first; the same time is decided by the files' own times, then by name.
    func sorted(_ entries: [InboxEntry]) -> [InboxEntry] {
        let now = now
        let dated = entries.map { (time: time(of: $0.export, now: now), entry: $0) }
        return dated.sorted {
            ($0.time, $0.entry.modified, $0.entry.name) < ($1.time, $1.entry.modified, $1.entry.name)
        }
        .map(\.entry)
    }

    /// The time that counts for the order of an export in work, since 1970.
    func time(of export: ClaimedExport) -> Duration { time(of: export.entry.export, now: now) }

    private func time(of export: RemoteExport, now: Duration) -> Duration {
        memory.withLock { $0?.time(of: export, now: now) }
            ?? ExportOrder.counting(rules.order.stated(export.name, modified: export.modified), firstSeen: now)
    }

    /// Remembers those whose time is in the future, and tells of each once.
    func see(_ entries: [InboxEntry]) {
        guard !entries.isEmpty else { return }
        let (now, exports) = (now, entries.map(\.export))
        let notices = memory.withLock { memory -> [String] in
            if memory == nil { memory = (try? ledger.seenExports(of: source)).map { SourceMemory($0, rules: rules) } }
            guard var recalled = memory else { return [] }
            let future = exports.filter { export in
                (rules.order.stated(export.name, modified: export.modified) ?? now) > now || recalled.has(export)
            }
            guard !future.isEmpty else { return [] }
            let look = recalled.look(future, now: now)
            let changes = recalled.changes
            do throws(LedgerError) {
                try ledger.recordSeen(changes.changed, forgetting: changes.forgotten, of: source)
                recalled.written()
            } catch {
                log.error("the times of exports cannot be remembered", metadata: ["error": "\(error)"])
            }
            memory = recalled
            return look.notices
        }
        for notice in notices { log.warning("odd", metadata: ["source": .quoted(notice)]) }
    }
}

extension InboxEntry {
    /// As the listing of a source would show it.
    fileprivate var export: RemoteExport {
        // More exact than times are remembered.
        RemoteExport(
            name: name, size: size, modified: modified,
            version: ExportVersion(modified: "\(modified.nanoseconds)", size: size))
    }
}
