import CallPacing
import CartAssociations
import ExportFiles
import ExportSources
import Ledger
import SyncEngine
import TestSupport

@testable import SyncService

/// The end of the simulated process.
struct Killed: Error {}

/// A source, a service that works with it by the decisions of the program, and everything that may come between them.
///
/// The ledger, the inbox and the store are plain values that survive the process; the memory of the fetcher does not.
/// What went against a promise is in `broken`.
struct SourceSimulation {
    /// One version of an export, as it really is.
    struct Version: Hashable {
        let id: Int
        let name: String
        let bytes: Int
        /// In seconds since 1970, as the source states it; nil if it states none.
        let stated: Int?
        /// Whether nobody may read it.
        var isDenied = false
        /// Of a part: the export that it was written for.
        var generation: Int?
        /// Of an export in several files: what came of it.
        var parts: [Version] = []

        var digest: String { "bytes-\(bytes)" }
        /// Of customers, of accounts, or changes to customers.
        var kinds: Set<OwnerKind> { name.hasPrefix("a") ? [.account] : [.customer] }
        var isSnapshot: Bool { !name.hasPrefix("d") }
    }

    struct Arrived: Hashable {
        let version: Version
        /// The file's time, which is all that is left of the source's.
        let time: Duration
        var isInWork = false
    }

    struct Run: Hashable {
        let id: Int
        let version: Version
        var time: Duration
        var isOver: Bool
    }

    private enum Listing { case whole, failed, empty, short, late }

    static let day = 86_400
    private var random: SeededGenerator
    let isURL: Bool
    /// Whether a URL states times.
    let hasTimes: Bool
    /// Whether the listing leaves out the time of the day of what is older than half a year.
    let coarsens: Bool
    /// Whether what is gone for long is forgotten; a future time that was forgotten is first seen again.
    let forgets: Bool
    let rules: SourceMemory.Rules
    private(set) var broken: [String] = []

    // The source.
    private var now: Int
    private var files: [String: Version] = [:]
    private var earlier: [Version] = []
    private var lateListing: [String: Version] = [:]
    private var usedDays: Set<Int> = []
    private var nextID = 0

    // What survives the process.
    private var ledger: [[String]: SeenExport] = [:]
    private var inbox: [Arrived] = []
    private(set) var runs: [Run] = []
    /// What came with the bytes that were applied last.
    private var confirmed: [Version] = []
    private(set) var passedOver: [(version: Version, reason: String)] = []

    // The process.
    private var memory: SourceMemory
    private var mayBeKilled = true

    // What is only looked at to judge.
    private var firstSight: [Int: Int] = [:]
    private(set) var told: [Int: Int] = [:]
    private(set) var attempts: [Int: [Int]] = [:]
    private(set) var fetches = 0
    private(set) var kills = 0

    /// What happened, line by line, if it is to be told.
    private(set) var history: [String]?

    // Exports of accounts, if they come in parts.
    let hasParts: Bool
    /// The day of the newest one, with what was written of it.
    private var generation: (day: Int, parts: [Int: Version])?
    /// What was written at the end.
    private var lastWhole: Version?
    private(set) var setsApplied = 0

    init(seed: UInt64, tellsHistory: Bool = false) {
        history = tellsHistory ? [] : nil
        var random = SeededGenerator(seed: seed)
        let (isURL, isOdd, forgets) = (random.oneIn(4), random.oneIn(2), random.oneIn(4))
        hasParts = !isURL && random.oneIn(2)
        self.random = random
        self.isURL = isURL
        self.forgets = forgets
        // Longer than the history, or shorter.
        rules = .init(remember: .seconds((forgets ? 100 : 10_000) * Self.day))
        hasTimes = !isURL || isOdd
        coarsens = !isURL && isOdd
        now = 1000 * Self.day
        memory = SourceMemory([], rules: rules)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func note(_ event: @autoclosure () -> String) {
        guard history != nil else { return }
        let event = event()
        history?.append("day \(Double(now) / Double(Self.day)): \(event)")
    }

    // MARK: - The source changes

    mutating func change() {
        now += number(1...2) * (random.oneIn(8) ? 60 * Self.day : Self.day)
        lateListing = files
        for _ in 0..<number(0...2) { changeOne() }
    }

    private mutating func changeOne() {
        let names = isURL ? ["c.csv"] : ["c.csv", "c-2.csv", "a.csv", "d.csv", "d-2.csv"]
        let name = names.randomElement(using: &random) ?? "c.csv"
        if hasParts, name == "a.csv" { return changeParts() }
        switch number(0...9) {
        case 0:
            files[name] = nil
        case 1, 2:
            // An earlier version comes back as it was.
            if let old = earlier.filter({ $0.name == name }).randomElement(using: &random) { files[name] = old }
        case 3, 4:
            // Earlier bytes come again, with a time of their own.
            if let old = earlier.randomElement(using: &random), old.generation == nil,
                old.isSnapshot == !name.hasPrefix("d")
            {
                put(name, bytes: old.bytes)
            }
        case 5:
            if let old = files[name] {
                files[name] = Version(
                    id: old.id, name: name, bytes: old.bytes, stated: old.stated, isDenied: !old.isDenied)
            }
        default: put(name, bytes: nil)
        }
    }

    private static func partName(_ number: Int) -> String { "a-\(number)of2.csv" }

    private mutating func changeParts() {
        let part = number(1...2)
        let name = Self.partName(part)
        switch number(0...9) {
        case 0: files[name] = nil
        case 1:
            if let old = earlier.filter({ $0.name == name }).randomElement(using: &random) { files[name] = old }
        case 2: files[name]?.isDenied.toggle()
        case 3, 4, 5:
            beginGeneration()
            write(part)
            if random.oneIn(2) { write(3 - part) }
        case 6: write(part)
        default:
            // What is still missing of it comes.
            for part in 1...2 where generation?.parts[part] == nil { write(part) }
        }
    }

    private mutating func beginGeneration() {
        var day = now / Self.day - (random.oneIn(4) ? number(1...100) : 0)
        while !usedDays.insert(day).inserted { day -= 1 }
        generation = (day, [:])
    }

    /// Writes a part of the newest export, again if it is there: some minutes after the others.
    private mutating func write(_ part: Int) {
        guard let generation else { return }
        nextID += 1
        let version = Version(
            id: nextID, name: Self.partName(part), bytes: nextID * 10 + 2,
            stated: generation.day * Self.day - number(1...3600), isDenied: random.oneIn(10), generation: generation.day
        )
        note("put \(version)")
        files[version.name] = version
        earlier.append(version)
        self.generation?.parts[part] = version
    }

    /// What several files are together.
    private func whole(_ parts: [Version]) -> Version {
        var whole = Version(
            id: parts.reduce(1) { $0 * 10_000 + $1.id }, name: "a.csv",
            bytes: parts.reduce(0) { $0 * 100_000 + $1.bytes },
            stated: parts.compactMap(\.stated).max())
        whole.parts = parts
        return whole
    }

    private mutating func put(_ name: String, bytes: Int?) {
        nextID += 1
        var day = now / Self.day
        switch number(0...9) {
        case 0 where !forgets && !coarsens: day += number(1...400)
        case 1, 2: day -= number(1...300)
        default: break
        }
        // No two versions have one day, so that coarse times keep the order.
        while !usedDays.insert(day).inserted { day -= 1 }
        // Bytes of one kind are of no other.
        let family = name.hasPrefix("d") ? 1 : name.hasPrefix("a") ? 2 : 3
        let stated = hasTimes ? day * Self.day - number(0...3600) : nil
        let version = Version(
            id: nextID, name: name, bytes: bytes.map { $0 / 10 * 10 + family } ?? nextID * 10 + family, stated: stated,
            isDenied: !isURL && random.oneIn(10))
        note("put \(version)")
        files[name] = version
        earlier.append(version)
    }

    // MARK: - The service works

    /// A poll and the runs after it, each of which the end of the process may interrupt.
    mutating func work() {
        do {
            if !random.oneIn(6) { try poll(kind()) }
            if !random.oneIn(6) { try sync() }
        } catch {
            kills += 1
            note("killed")
            memory = SourceMemory(recalled, rules: rules)
        }
        if random.oneIn(30) { applyByHand() }
    }

    /// Long enough without any fault for everything to be done that can be done.
    mutating func comeToRest() {
        mayBeKilled = false
        if hasParts {
            beginGeneration()
            for part in 1...2 { write(part) }
        }
        for name in files.keys { files[name]?.isDenied = false }
        lastWhole = hasParts ? whole((1...2).compactMap { files[Self.partName($0)] }) : nil
        for _ in 0..<3 {
            now += Self.day
            try? poll(.whole)
            try? sync()
        }
    }

    private mutating func kind() -> Listing {
        switch number(0...9) {
        case 0: .failed
        case 1: .empty
        case 2: .short
        case 3: .late
        default: .whole
        }
    }

    private var recalled: [SeenExport] {
        ledger.values.sorted { ($0.firstSeen, $0.name, $0.version) < ($1.firstSeen, $1.name, $1.version) }
    }

    private mutating func mayEnd() throws {
        if mayBeKilled && random.oneIn(12) { throw Killed() }
    }

    /// - Parameter sighted: what the ledger knows from now on.
    private mutating func save(_ sighted: [Version] = []) throws {
        try mayEnd()
        for version in sighted where firstSight[version.id] == nil { firstSight[version.id] = now }
        for row in memory.changes.changed { ledger[[row.name, row.version]] = row }
        for row in memory.changes.forgotten { ledger[[row.name, row.version]] = nil }
        memory.written()
        try mayEnd()
    }

    private mutating func poll(_ listing: Listing) throws {
        let shown: [String: Version] =
            switch listing {
            case .failed: [:]
            case .empty: [:]
            case .short: shortened()
            case .late: lateListing
            case .whole: files
            }
        guard listing != .failed else { return }
        let exports = shown.values.sorted { $0.name < $1.name }.map(export)
        let look = memory.look(exports, now: .seconds(now))
        note("\(listing) listing of \(shown.values.map(\.id).sorted()), wanted: \(look.wanted.map(\.name))")
        try save(isURL ? [] : Array(shown.values))
        var arrivals: [[(fetched: SourceMemory.Fetched, version: Version)]] = []
        for wanted in SourceMemory.wanted(look, of: together(exports)) {
            guard let fetched = try fetch(wanted, shown) else { continue }
            if fetched.contains(where: \.fetched.isNew) {
                for file in fetched where file.fetched.isNew { memory.sight(file.fetched) }
                try save(fetched.map(\.version))
                arrivals.append(fetched)
            } else {
                for file in fetched { memory.remember(file.fetched) }
            }
        }
        for files in arrivals {
            let version = files.count == 1 ? files[0].version : whole(files.map(\.version))
            inbox.append(Arrived(version: version, time: files.map(\.fetched.seen.time).max() ?? .zero))
            for file in files { memory.remember(file.fetched) }
        }
        try save()
    }

    /// The files of each export that is whole.
    private func together(_ exports: [RemoteExport]) -> [[RemoteExport]] {
        let entries = exports.map { InboxEntry(name: $0.name, size: 0, modified: $0.modified ?? .zero, inode: 0) }
        let sets = ExportSets(
            entries, manifests: [], rule: .name, within: .seconds(3600), among: Set(exports.map(\.name)))
        return (sets.single.map { [$0.name] } + sets.whole.map { $0.parts.map(\.name) }).map { names in
            names.compactMap { name in exports.first { $0.name == name } }
        }
    }

    /// Fetches the files of one export; nil if one of them cannot be had.
    private mutating func fetch(
        _ exports: [RemoteExport], _ shown: [String: Version]
    ) throws -> [(fetched: SourceMemory.Fetched, version: Version)]? {
        var all: [(fetched: SourceMemory.Fetched, version: Version)] = []
        for export in exports {
            guard let version = shown[export.name] else { return nil }
            attempts[version.id, default: []].append(now)
            guard files[export.name] == version, !version.isDenied else {
                if memory.failed(export, "it cannot be had", now: .seconds(now)) { told[version.id, default: 0] += 1 }
                return nil
            }
            fetches += 1
            try mayEnd()
            let fetched = memory.judge(
                export, said(of: version), modified: version.stated.map { .seconds(coarse($0)) },
                digest: version.digest, size: version.bytes, now: .seconds(now))
            note("fetched \(version.id): \(fetched)")
            all.append((fetched, version))
        }
        return all
    }

    /// A part of what is there.
    private mutating func shortened() -> [String: Version] {
        var part = files
        // In the order of the names, so that a seed tells the whole history.
        for name in files.keys.sorted() where random.oneIn(3) { part[name] = nil }
        return part
    }

    private func coarse(_ time: Int) -> Int {
        coarsens && now - time > 180 * Self.day ? time / Self.day * Self.day : time
    }

    private func export(_ version: Version) -> RemoteExport {
        let stated = version.stated.map { Duration.seconds(coarse($0)) }
        return isURL
            ? RemoteExport(name: version.name)
            : RemoteExport(
                name: version.name, size: version.bytes, modified: stated,
                version: ExportVersion(modified: stated.map { "\($0)" }, size: version.bytes))
    }

    /// What the answer of the source says: behind a URL the tag differs from node to node.
    private mutating func said(of version: Version) -> ExportVersion {
        guard isURL else { return export(version).version ?? .init() }
        return ExportVersion(etag: "\(version.bytes)-\(number(1...2))", modified: version.stated.map { "\($0)" })
    }

    // MARK: - Runs

    private mutating func sync() throws {
        while let next = nextArrival() {
            if let unfinished = runs.lastIndex(where: { !$0.isOver && $0.version.digest == inbox[next].version.digest }
            ),
                inbox[next].isInWork, random.oneIn(2)
            {
                runs[unfinished].isOver = true
            } else if let reason = passOver(inbox[next]) {
                passedOver.append((inbox[next].version, reason))
                let id = inbox[next].version.id
                note("pass over \(id): \(reason)")
            } else {
                inbox[next].isInWork = true
                try apply(inbox[next])
            }
            try mayEnd()
            inbox.remove(at: next)
        }
    }

    /// What was interrupted first, then the oldest that no newer snapshot makes void.
    private mutating func nextArrival() -> Int? {
        if let interrupted = inbox.firstIndex(where: \.isInWork) { return interrupted }
        let entries = inbox.indices.map { place in
            InboxEntry(name: "\(place)", size: 0, modified: inbox[place].time, inode: 0)
        }
        let sorted = entries.sorted { left, right in
            let (first, second) = (inbox[Int(left.name) ?? 0], inbox[Int(right.name) ?? 0])
            return (first.time, first.version.stated ?? 0) < (second.time, second.version.stated ?? 0)
        }
        let split = Supersession.split(
            sorted.map { entry in
                let version = inbox[Int(entry.name) ?? 0].version
                return (entry, version.isSnapshot ? .snapshot(of: version.kinds) : .delta, true)
            })
        let next = split.current.first.map { inbox[Int($0.name) ?? 0] }
        for void in split.void {
            passedOver.append((inbox[Int(void.name) ?? 0].version, "superseded by a newer snapshot"))
        }
        let voids = Set(split.void.compactMap { Int($0.name) })
        inbox = inbox.indices.filter { !voids.contains($0) }.map { inbox[$0] }
        return next.flatMap { inbox.firstIndex(of: $0) }
    }

    private mutating func passOver(_ arrived: Arrived) -> String? {
        let version = arrived.version
        let standing = ExportStanding(
            of: [version.digest], time: arrived.time, after: applied(version.digest), ownerKinds: { version.kinds })
        if case .sameAsLast(let run) = standing, let place = runs.lastIndex(where: { "\($0.id)" == run }) {
            runs[place].time = max(runs[place].time, arrived.time)
            confirmed.append(version)
        }
        return standing.reason
    }

    /// What the ledger says of the runs.
    private func applied(_ digest: String) -> AppliedExports {
        var applied = AppliedExports()
        if let last = runs.last, last.isOver {
            applied.last = .init(run: "\(last.id)", digests: [last.version.digest], exitStatus: .done)
        }
        let same = runs.filter { $0.isOver && $0.version.digest == digest }.max { $0.time < $1.time }
        applied.sameBytes = same.map { .init(run: "\($0.id)", time: $0.time) }
        for kinds in Set(runs.map(\.version.kinds)) {
            let newest = runs.filter { $0.version.isSnapshot && $0.version.kinds == kinds }.max { $0.time < $1.time }
            if let newest {
                applied.snapshots.append(
                    .init(export: .init(run: "\(newest.id)", time: newest.time), ownerKinds: kinds))
            }
        }
        return applied
    }

    private mutating func apply(_ arrived: Arrived) throws {
        judge(arrived)
        note("apply \(arrived.version.id) as of \(arrived.time)")
        runs.append(Run(id: runs.count, version: arrived.version, time: arrived.time, isOver: false))
        try mayEnd()
        runs[runs.count - 1].isOver = true
    }

    /// A person applies what lies in the source now.
    private mutating func applyByHand() {
        guard let version = files.values.sorted(by: { $0.name < $1.name }).randomElement(using: &random),
            version.stated ?? now <= now, version.generation == nil, inbox.allSatisfy({ !$0.isInWork })
        else { return }
        note("by hand \(version.id)")
        runs.append(Run(id: runs.count, version: version, time: .seconds(version.stated ?? now), isOver: true))
        byHand.insert(version.id)
    }

    private var byHand: Set<Int> = []

    // MARK: - The promises

    /// The time that counts for a version: what is stated, but no future.
    private func counting(_ version: Version) -> Int? {
        guard version.parts.isEmpty else {
            let newest = version.parts.compactMap(counting).max()
            // Parts of one export have one day, and without its hours none of them is newer.
            return coarsens ? newest.map { $0 / Self.day * Self.day } : newest
        }
        return firstSight[version.id].map { min(version.stated ?? $0, $0) }
    }

    private mutating func judge(_ arrived: Arrived) {
        let version = arrived.version
        let over = runs.filter(\.isOver)
        if !version.parts.isEmpty { setsApplied += 1 }
        if version.generation != nil { broken.append("\(version) is applied without the other part") }
        if Set(version.parts.map(\.generation)).count > 1 { broken.append("\(version) mixes parts of two exports") }
        if hasTimes, over.contains(where: { $0.version.id == version.id }) {
            broken.append("version \(version) is applied twice")
        }
        if let last = runs.last, last.isOver, last.version.bytes == version.bytes {
            broken.append("version \(version) has the bytes that were applied last")
        }
        guard let own = counting(version) else {
            broken.append("version \(version) was never seen")
            return
        }
        let newer = runs.filter { run in
            run.version.isSnapshot && !run.version.kinds.isDisjoint(with: version.kinds)
                && (counting(run.version) ?? 0) > own && !byHand.contains(run.version.id)
        }
        if hasTimes, version.isSnapshot, let newer = newer.first {
            broken.append("version \(version) is applied after the newer \(newer.version)")
        }
    }

    /// The bytes that the store was brought to last by a snapshot of some owners.
    func state(_ kinds: Set<OwnerKind>) -> Int? {
        runs.last { $0.version.isSnapshot && $0.version.kinds == kinds }?.version.bytes
    }

    /// The bytes of the newest snapshot of some owners that is there or was applied; nil if there is none.
    func newest(_ kinds: Set<OwnerKind>) -> Int? {
        let there =
            hasParts && kinds == [.account]
            ? lastWhole.map { [$0] } ?? [] : files.values.filter { $0.isSnapshot && $0.kinds == kinds }
        guard hasTimes else { return there.first?.bytes ?? state(kinds) }
        let applied = (runs.map(\.version) + confirmed).filter { $0.isSnapshot && $0.kinds == kinds }
        return (there + applied).max { left, right in
            (counting(left) ?? 0, left.stated ?? 0) < (counting(right) ?? 0, right.stated ?? 0)
        }?.bytes
    }

    var wasHelped: Bool { !byHand.isEmpty }
    var isAtRest: Bool { inbox.isEmpty }

    /// Each version that is there, with whether it was applied or passed over.
    var unsettled: [Version] {
        let settled = Set(runs.map(\.version.id) + passedOver.map(\.version.id))
        return files.values.filter { !settled.contains($0.id) && $0.generation == nil }
    }
}
