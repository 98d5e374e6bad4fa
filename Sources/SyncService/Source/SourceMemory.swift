import CallPacing
import ExportSources
import Foundation
import Ledger
import SyncEngine

/// What a source is known to have had, and what follows from it: which of its exports are fetched now, and whether what
/// came is new.
///
/// A version of an export is its name, time, size and digest. A value without I/O: what has changed in it is in `changes`
/// until it is `written` into the ledger. Times are since 1970.
struct SourceMemory: Sendable {
    /// What a source is remembered by.
    struct Rules: Sendable, Hashable {
        var order = ExportOrder.modified
        /// How long a version is remembered that is no longer there.
        var remember = Duration.seconds(400 * 86_400)
        /// When a version that cannot be had is asked for again.
        var retry = Backoff(first: .seconds(10), longest: .seconds(86_400))
    }

    /// What a look at a source led to.
    struct Look: Sendable, Hashable {
        /// What is to be fetched now, the oldest first.
        var wanted: [RemoteExport] = []
        /// The names of what could not be had and is asked for again later.
        var postponed: Set<String> = []
        /// Sentences about exports that are seen for the first time.
        var notices: [String] = []
    }

    /// What was fetched.
    enum Fetched: Sendable, Hashable {
        /// A version that was not there before.
        case new(SeenExport)
        /// A version that was fetched before, or its bytes with an older time.
        case known(SeenExport)

        var isNew: Bool { if case .new = self { true } else { false } }

        /// What is to be remembered of it.
        var seen: SeenExport {
            switch self {
            case .new(let seen), .known(let seen): seen
            }
        }
    }

    private struct Key: Hashable {
        let name: String
        let version: String
    }

    /// A later time in the future is told; clocks differ by less.
    static let clockSkew = Duration.seconds(60)

    var rules: Rules
    /// By name, in the order in which they were first seen.
    private var seen: [String: [SeenExport]] = [:]
    /// Those of the last look.
    private var listed: Set<Key> = []
    private var changed: Set<Key> = []
    private var forgotten: [SeenExport] = []

    /// - Parameter seen: what the ledger remembers, in the order in which it was first seen.
    init(_ seen: [SeenExport], rules: Rules) {
        self.rules = rules
        self.seen = Dictionary(grouping: seen, by: \.name)
    }

    // MARK: - A listing

    /// Notes the exports that a listing shows, without those that may still be written.
    ///
    /// A listing that failed is not to be noted: it says nothing.
    mutating func look(_ exports: [RemoteExport], now: Duration) -> Look {
        var look = Look()
        var wanted: [(export: RemoteExport, seen: SeenExport)] = []
        listed = []
        for export in exports {
            let isNew = export.version.map { place(export.name, $0.words) == nil } ?? false
            let row = row(of: export, now: now)
            if isNew { look.notices += notices(row, now: now) }
            if export.version != nil {
                listed.insert(Key(name: row.name, version: row.version))
                keep(row, now: now, isNew: isNew)
            }
            guard !row.isFetched else { continue }
            if (row.nextAttempt ?? now) <= now {
                wanted.append((export, row))
            } else {
                look.postponed.insert(export.name)
            }
        }
        forget(now: now)
        look.wanted = wanted.sorted { Self.isOlder($0.seen, $1.seen) }.map(\.export)
        return look
    }

    /// The exports of which something is to be fetched, each with all of its files, the oldest first.
    ///
    /// An export in several files is as old as the newest of them, and is fetched if all can be had.
    ///
    /// - Parameter exports: that are whole, each with its files.
    static func wanted(_ look: Look, of exports: [[RemoteExport]]) -> [[RemoteExport]] {
        let places = Dictionary(look.wanted.enumerated().map { ($1.name, $0) }) { first, _ in first }
        let wanted = exports.compactMap { files -> (place: Int, files: [RemoteExport])? in
            guard let place = files.compactMap({ places[$0.name] }).max(),
                !files.contains(where: { look.postponed.contains($0.name) })
            else { return nil }
            return (place, files)
        }
        return wanted.sorted { $0.place < $1.place }.map(\.files)
    }

    /// The time that counts for the order of an export.
    func time(of export: RemoteExport, now: Duration) -> Duration {
        seen[export.name] == nil
            ? time(export.name, export.modified, firstSeen: now) : row(of: export, now: now).time
    }

    /// Whether something is remembered of an export as it is.
    func has(_ export: RemoteExport) -> Bool {
        guard seen[export.name] != nil, let version = export.version else { return false }
        return place(export.name, version.words) != nil
    }

    /// What is remembered of a listed export, or is to be.
    private func row(of export: RemoteExport, now: Duration) -> SeenExport {
        let version = export.version?.words ?? ""
        if let place = place(export.name, version), let row = seen[export.name]?[place] { return row }
        return SeenExport(
            name: export.name, version: version, stated: export.modified,
            time: time(export.name, export.modified, firstSeen: now), firstSeen: now)
    }

    private func time(_ name: String, _ modified: Duration?, firstSeen: Duration) -> Duration {
        ExportOrder.counting(rules.order.stated(name, modified: modified), firstSeen: firstSeen)
    }

    /// The oldest first; the same time is decided by what is stated, then by name.
    private static func isOlder(_ left: SeenExport, _ right: SeenExport) -> Bool {
        (left.time, left.stated ?? left.time, left.name) < (right.time, right.stated ?? right.time, right.name)
    }

    private func notices(_ row: SeenExport, now: Duration) -> [String] {
        guard let stated = rules.order.stated(row.name, modified: row.stated), stated > now + Self.clockSkew else {
            return []
        }
        return [
            "\(row.name) has a time in the future, \(stated.dateInWords): it counts as \(row.time.dateInWords), when it was "
                + "first seen; check the clock there"
        ]
    }

    private mutating func keep(_ row: SeenExport, now: Duration, isNew: Bool) {
        var row = row
        // Once a day is often enough for what is remembered for many.
        guard isNew || now - row.lastSeen >= min(.seconds(86_400), rules.remember / 10) else { return }
        row.lastSeen = now.inWholeMilliseconds
        put(row)
    }

    private mutating func forget(now: Duration) {
        for (name, rows) in seen {
            let gone = rows.filter { row in
                row.lastSeen + rules.remember < now && !listed.contains(Key(name: name, version: row.version))
            }
            guard !gone.isEmpty else { continue }
            forgotten += gone
            let left = rows.filter { !gone.contains($0) }
            seen[name] = left.isEmpty ? nil : left
            for row in gone { changed.remove(Key(name: name, version: row.version)) }
        }
    }

    // MARK: - What is fetched

    /// The version of a name that was the last to be fetched or found unchanged; nil if there is none.
    func current(_ name: String) -> SeenExport? {
        let fetched = (seen[name] ?? []).filter(\.isFetched)
        return fetched.max { ($0.lastSeen, $0.firstSeen) < ($1.lastSeen, $1.firstSeen) }
    }

    /// Decides what was fetched. Nothing is remembered of it before `remember`.
    ///
    /// - Parameters:
    ///   - version: what the source says of the version that came.
    ///   - modified: the time of its last change as the source states it; nil leaves that of the listing.
    func judge(
        _ export: RemoteExport, _ version: ExportVersion, modified: Duration?, digest: String, size: Int, now: Duration
    ) -> Fetched {
        let stated = (modified ?? export.modified)?.inWholeMilliseconds
        // The next listing shows what this one did.
        let version = export.version?.words ?? version.words
        let rows = seen[export.name] ?? []
        let last = rows.max { ($0.lastSeen, $0.firstSeen) < ($1.lastSeen, $1.firstSeen) }
        // What came and got no place, for instance because the process ended. Without a time, bytes that come again after
        // others are made anew.
        let sighted = rows.first { row in
            !row.isFetched && (row.version == version || row.digest == digest && row.stated == stated)
                && (stated != nil || row == last)
        }
        let time = sighted?.time ?? time(export.name, stated, firstSeen: now)
        let same = rows.first { row in
            guard row.isFetched, row.digest == digest else { return false }
            if let stated, row.stated == stated || time <= row.time { return true }
            // Without a time the content tells whether it is what was there before.
            return row == last && (stated == nil || row.stated == nil)
        }
        var seen = SeenExport(
            name: export.name, version: version, stated: stated, time: same?.time ?? time,
            firstSeen: (same ?? sighted)?.firstSeen ?? now)
        (seen.size, seen.digest, seen.lastSeen) = (size, digest, now.inWholeMilliseconds)
        return same == nil ? .new(seen) : .known(seen)
    }

    /// Notes what came and has no place yet: when it was first seen must not depend on what happens next.
    mutating func sight(_ fetched: Fetched) { put(fetched.seen) }

    /// Remembers what was fetched and is in its place.
    mutating func remember(_ fetched: Fetched) {
        var seen = fetched.seen
        seen.isFetched = true
        put(seen)
    }

    /// Remembers that the current version of a name is still there.
    mutating func unchanged(_ name: String, now: Duration) {
        guard let current = current(name) else { return }
        keep(current, now: now, isNew: false)
    }

    /// Notes that a listed export cannot be had, so that it is asked for ever more rarely. Returns whether that is to be
    /// told: once for each reason, and not if only fetching tells its version, since then it is the source's only one.
    mutating func failed(_ export: RemoteExport, _ problem: String, now: Duration) -> Bool {
        guard let version = export.version?.words, let place = place(export.name, version),
            var row = seen[export.name]?[place]
        else { return false }
        let isNew = row.problem != problem
        row.failures += 1
        row.problem = problem
        row.nextAttempt = (now + rules.retry.wait(afterFailures: row.failures)).inWholeMilliseconds
        put(row)
        return isNew
    }

    /// Those of the last look that cannot be had, by name.
    var unavailable: [SeenExport] {
        let rows = listed.compactMap { key in place(key.name, key.version).flatMap { seen[key.name]?[$0] } }
        return rows.filter { $0.problem != nil && !$0.isFetched }.sorted { $0.name < $1.name }
    }

    // MARK: - The ledger

    /// What the ledger does not have yet, and what it is to forget.
    var changes: (changed: [SeenExport], forgotten: [SeenExport]) {
        (changed.compactMap { key in place(key.name, key.version).flatMap { seen[key.name]?[$0] } }, forgotten)
    }

    /// Notes that the ledger has the changes.
    mutating func written() {
        changed = []
        forgotten = []
    }

    private func place(_ name: String, _ version: String) -> Int? {
        seen[name]?.firstIndex { $0.version == version }
    }

    private mutating func put(_ row: SeenExport) {
        if let place = place(row.name, row.version) {
            seen[row.name]?[place] = row
        } else {
            seen[row.name, default: []].append(row)
        }
        changed.insert(Key(name: row.name, version: row.version))
    }
}

extension Duration {
    /// A time since 1970 as a date, for instance `2026-11-27T22:15:00Z`.
    var dateInWords: String { Date(timeIntervalSince1970: self / .seconds(1)).formatted(.iso8601) }
}

extension ExportVersion {
    /// In words that are the same for the same version.
    var words: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Nil if the words are of no version.
    init?(words: String) {
        guard let version = try? JSONDecoder().decode(ExportVersion.self, from: Data(words.utf8)) else { return nil }
        self = version
    }
}
