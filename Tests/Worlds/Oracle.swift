import CartAssociations
import Crypto
import Foundation
import Ledger
import SyncEngine
import SyncReporting

/// What must be true of a world at every step, judged from a plain record of what really happened.
final class Oracle: @unchecked Sendable {
    enum Promise: String, CaseIterable {
        /// Nothing is deleted that no accepted export of the source ever asserted, or that another source wants.
        case scope
        /// Nothing is deleted that the export at hand still has, damaged as it may be.
        case doubt
        /// Nothing is created that no export at hand asks for.
        case creates
        /// No plan with more deletes than the guards allow is applied, unless a person approved as many.
        case guards
        /// What a person approved is done once, within a day, with no more deletes than that person allowed.
        case approval
        /// No two processes act on one ledger, and a worker changes the carts of its shard alone.
        case alone
        /// No snapshot is applied after a newer one of its source, unless a person said so.
        case sequence
        /// An export in parts is applied with all of its parts, or not at all.
        case parts
        /// Each export that was put into an inbox is in one place there, byte by byte as it was put.
        case files
        /// No call changes the store without a pending change in the journal, which was written before.
        case journal
        /// Each change of a run that is over has one outcome, which stays.
        case outcome
        /// What the ledger says of the store is true.
        case truth
        /// The changes of one cart go one after the other.
        case order
        /// In no second are more calls made than the limit allows.
        case limit
        /// Each record of an export is accepted, a duplicate, or rejected, and reports add up.
        case records
        /// Everything comes to an end.
        case end
        /// When all is quiet, the store has what the exports want, within the scope.
        case rest
    }

    struct Breach: Error, CustomStringConvertible {
        let promise: Promise
        let words: String

        var description: String { "\(promise.rawValue): \(words)" }
    }

    var truth = Truth()
    /// All files of exports that were put somewhere, by their source and digest, each with the time when it was.
    private var exports: [String: [(export: WrittenExport, at: Duration)]] = [:]
    private(set) var breach: Breach?
    private let timeline: Timeline
    private let story: Story
    private let lie: Lie?
    private var arrivals: [Int: [Duration]] = [:]
    private var underWay: [CartID: Int] = [:]
    /// What the ledgers of the workers have said, by the workers' numbers.
    private var said: [Int: Said] = [:]
    /// All runs of a worker, the oldest first, while one of them makes changes: the others stay as they are meanwhile.
    private var beside: (run: String, all: [RunRecord])?
    /// What people have approved.
    private var approvals: [Given] = []
    /// The runs that approvals were used for, by the waiting runs that were approved.
    private var used: [String: String] = [:]
    /// The most deletes of a run that the settings of each worker have allowed, with the time since which they do.
    private var mostDeletes: [Int: [(since: Duration, most: Int)]] = [:]
    /// The dates of the world's beginning, which the ledger's are counted from.
    private let start: Date
    /// Whether the listing may show what is over.
    var listingLags = false
    /// Whether runs that are over may be gone, with their journals.
    var forgetsRuns = false
    /// By worker, the runs of the process under way that were over when their exports moved.
    private var moved: [Int: Said] = [:]

    init(_ timeline: Timeline, _ story: Story, lie: Lie?) {
        (self.timeline, self.story, self.lie) = (timeline, story, lie)
        start = timeline.date
    }

    /// What the ledger of one worker has said.
    private struct Said {
        var outcomes: [Int64: Outcome] = [:]
        /// By their ids.
        private(set) var runs: [String: RunRecord] = [:]
        /// Which run it was of all, by their ids: those of one second have ids in any order.
        private(set) var places: [String: Int] = [:]

        /// - Parameter run: came after all that were noted before, if it was not.
        mutating func note(_ run: RunRecord) {
            if places[run.id] == nil { places[run.id] = places.count }
            runs[run.id] = run
        }

        /// The oldest first.
        var inOrder: [RunRecord] { runs.values.sorted { places[$0.id, default: 0] < places[$1.id, default: 0] } }
    }

    func note(_ export: WrittenExport) {
        exports[Self.key(export.source, export.digest), default: []].append((export, timeline.now))
    }

    /// Whether no file with these bytes was put for the source before.
    func isNew(_ export: WrittenExport) -> Bool { exports[Self.key(export.source, export.digest)] == nil }

    /// An approval that a person has given.
    private struct Given {
        let run: WaitingRun
        /// The number of the worker whose run it is.
        let worker: Int
        let deletes: Int?
        let at: Date
    }

    /// A person has approved a run, whether it waits or not.
    func note(_ approval: Approval, of run: WaitingRun, of worker: Int, at: Date) {
        guard lie != .nobodyApproved else { return }
        approvals.append(Given(run: run, worker: worker, deletes: approval.deletes, at: at))
    }

    /// From now on the settings of a worker allow so many deletes of a run.
    func note(mostDeletes most: Int, of worker: Int) { mostDeletes[worker, default: []].append((timeline.now, most)) }

    private static func key(_ source: String, _ digest: String) -> String { "\(source) \(digest)" }

    private func export(_ export: RunRecord.Export, of run: RunRecord) -> WrittenExport? {
        let same = exports[Self.key(run.source, export.digest)] ?? []
        // Later ones may have the same bytes.
        let before = same.filter { $0.at <= began(run) + .milliseconds(1) }
        return (before.first { $0.export.name == Self.name(export.path) } ?? before.last ?? same.last)?.export
    }

    private func exports(of run: RunRecord) -> [WrittenExport] { run.exports.compactMap { export($0, of: run) } }

    func breaks(_ promise: Promise, _ words: String) {
        guard breach == nil else { return }
        breach = Breach(promise: promise, words: words)
        story.note("BROKEN \(promise.rawValue): \(words)")
    }

    // MARK: - Calls

    /// Processes begin, or have ended.
    func begins() {
        underWay = [:]
        beside = nil
    }

    /// A change leaves for the store.
    func sees(_ change: StoreChange, in life: Life) {
        let association = change.association
        underWay[association.cart, default: 0] += 1
        if underWay[association.cart, default: 0] > 1 {
            breaks(.order, "two changes of cart \(association.cart) at once")
        }
        if let shard = life.machine.shard, shard.contains(association.cart) == (lie == .otherShard) {
            breaks(.alone, "worker \(life.machine.worker) changes cart \(association.cart) of another shard")
        }
        let ledger = life.ledger
        do {
            let entries = try ledger.entries(of: association.cart).filter {
                $0.change.association == association && $0.change.kind == change.kind && $0.outcome == nil
            }
            // A later run that was stopped may want the same when an earlier one goes on.
            let pending = try entries.compactMap { entry in try ledger.run(entry.run).map { (entry, $0) } }
            guard let (entry, run) = pending.last(where: { $0.1.state == .applying }) ?? pending.last else {
                return breaks(
                    .journal,
                    "\(change.kind.rawValue) of \(association) leaves, and the journal has no pending change for it")
            }
            guard run.state == .applying else {
                return breaks(
                    .journal, "\(change.kind.rawValue) of \(association): run \(run.id) is \(run.state.rawValue)")
            }
            guard entry.change.withheld == nil else {
                return breaks(.doubt, "\(change.kind.rawValue) of \(association) is made, and was withheld")
            }
            if change.kind == .delete {
                try judgeDelete(association, of: run, ledger, life.machine.worker)
            } else {
                try judgeCreate(association, of: run, ledger)
            }
        } catch {
            breaks(.journal, "the ledger cannot be read: \(error)")
        }
    }

    func ends(_ change: StoreChange) {
        if let count = underWay[change.association.cart] { underWay[change.association.cart] = count - 1 }
    }

    /// A call arrives at the store.
    func arrives(at time: Duration, from life: Life) {
        var last = arrivals[life.machine.worker] ?? []
        last.removeAll { $0 <= time - .seconds(1) }
        last.append(time)
        arrivals[life.machine.worker] = last
        let most = lie == .lowerLimit ? 2 : life.limit(at: time)
        if last.count > most { breaks(.limit, "\(last.count) calls in a second, and the limit is \(most)") }
    }

    // MARK: - Deletes

    private func judgeDelete(
        _ association: Association, of run: RunRecord, _ ledger: Ledger, _ worker: Int
    ) throws {
        let runs = try runs(beside: run, ledger, worker)
        if let undone = run.undone {
            let made = try ledger.entries(of: association.cart).contains {
                $0.run == undone && $0.change.association == association && $0.outcome?.outcome == .created
            }
            if !made { breaks(.scope, "run \(run.id) takes \(association) back, which run \(undone) has not made") }
            return requireUnwanted(association, by: run, runs)
        }
        let own = exports(of: run)
        if lie == .standingRecords {
            breaks(.doubt, "run \(run.id) deletes \(association), which its export still has")
        }
        for export in own {
            if export.isWhole ? export.creates.contains(association) : export.stillHas(association) && !export.isDelta {
                breaks(
                    .doubt,
                    "run \(run.id) deletes \(association), which \(export.name) still has (\(export.damage ?? "whole"))"
                )
            }
            if export.isDelta && export.isWhole && !export.deletes.contains(association) {
                breaks(.scope, "run \(run.id) deletes \(association), which the delta \(export.name) does not name")
            }
        }
        requireUnwanted(association, by: run, runs)
        guard run.scope != .all else { return }
        if run.scope == .none { breaks(.scope, "run \(run.id) deletes \(association), and deletes none") }
        let owners = own.flatMap { $0.creates.map(\.owner) }
        if run.scope == .listed, owners.contains(association.owner) { return }
        // What an export asserts is its source's, whoever has made it; what cartsync has made is nobody else's.
        let accepted = lie == .nothingAsserted ? [] : Self.accepted(runs, by: run.source).flatMap(exports(of:))
        let isAsserted = accepted.contains { $0.creates.contains(association) || $0.deletes.contains(association) }
        if !isAsserted, lie == .nothingAsserted || truth.maker(of: association) == .shopper {
            breaks(
                .scope, "run \(run.id) deletes \(association), which no accepted export of \(run.source) has asserted")
        }
    }

    /// Other sources' last whole export must not want it.
    private func requireUnwanted(_ association: Association, by run: RunRecord, _ runs: [RunRecord]) {
        for source in Set(exports.values.joined().map(\.export.source)).sorted() where source != run.source {
            let last = Self.accepted(runs, by: source).last.map(exports(of:)) ?? []
            guard last.allSatisfy({ !$0.isDelta && $0.isWhole }),
                last.contains(where: { $0.creates.contains(association) })
            else { continue }
            let names = last.map(\.name).joined(separator: " and ")
            // A person may have taken back what it wanted.
            if runs.contains(where: { $0.source == source && $0.undone != nil }) { continue }
            breaks(.scope, "run \(run.id) deletes \(association), which \(names) of source \(source) wants")
        }
    }

    /// The runs that have taken exports of a source.
    private static func accepted(_ runs: [RunRecord], by source: String) -> [RunRecord] {
        runs.filter {
            $0.source == source && $0.undone == nil && [.applying, .stopped, .finished].contains($0.state)
        }
    }

    /// An export has moved: what follows from its run stays, even if the same process forgets the run.
    func hasMoved(_ ledger: Ledger, of worker: Int) throws {
        guard forgetsRuns else { return }
        for run in try ledger.runs(limit: 4).reversed() { moved[worker, default: Said()].note(run) }
    }

    private func runs(beside run: RunRecord, _ ledger: Ledger, _ worker: Int) throws -> [RunRecord] {
        if let beside, beside.run == run.id { return beside.all }
        let before = said[worker] ?? Said()
        var now = before
        for run in moved[worker]?.inOrder ?? [] { now.note(run) }
        for run in try Self.runs(ledger, after: before) { now.note(run) }
        let all = now.inOrder
        beside = (run.id, all)
        return all
    }

    /// Those runs that may be others than was said before, the oldest first.
    private static func runs(_ ledger: Ledger, after said: Said) throws -> [RunRecord] {
        let few = 4
        let newest = try ledger.runs(limit: few)
        guard let first = newest.last, newest.count == few, said.runs[first.id] != nil else {
            return try ledger.runs(limit: 1000).reversed()
        }
        // What is over stays so, but for what can go on.
        let open = try said.inOrder.filter { known in
            known.isResumable && !newest.contains { $0.id == known.id }
        }.compactMap { try ledger.run($0.id) }
        return open + newest.reversed()
    }

    private func judgeCreate(_ association: Association, of run: RunRecord, _ ledger: Ledger) throws {
        if let undone = run.undone {
            let made = try ledger.entries(of: association.cart).contains {
                $0.run == undone && $0.change.association == association && $0.outcome?.outcome == .deleted
            }
            if !made {
                breaks(.creates, "run \(run.id) brings \(association) back, which run \(undone) has not deleted")
            }
            return
        }
        let own = exports(of: run)
        guard own.count == run.exports.count, own.allSatisfy(\.isWhole) else { return }
        if lie == .nothingWanted || !own.contains(where: { $0.creates.contains(association) }) {
            let names = own.map(\.name).joined(separator: " and ")
            breaks(.creates, "run \(run.id) creates \(association), which \(names) does not have")
        }
    }

    // MARK: - Between processes

    /// Judges what the ledger and the reports say, once a process has ended.
    ///
    /// - Parameter again: whether runs that were over before are judged once more.
    func judge(_ ledger: Ledger, of machine: Machine, again: Bool = false) throws {
        let worker = machine.worker
        let runs =
            try again ? ledger.runs(limit: 1000).reversed() : Self.runs(ledger, after: said[worker] ?? Said())
        for run in moved.removeValue(forKey: worker)?.inOrder ?? [] where !runs.contains(where: { $0.id == run.id }) {
            said[worker, default: Said()].note(run)
        }
        for run in runs where again || said[worker]?.runs[run.id]?.state != run.state || run.isResumable {
            let before = said[worker]?.runs[run.id]?.state
            if before == nil { story.runs += 1 }
            if before != run.state {
                story.note("run \(run.id) of \(run.source) is \(run.state.rawValue): \(run.reason ?? "")")
            }
            said[worker, default: Said()].note(run)
            try judgeJournal(of: run, ledger, worker)
            judgeGuards(of: run, worker)
            judgeApproval(of: run, worker)
            judgeParts(of: run)
            judgeSequence(of: run, worker)
            try judgeReport(of: run, ledger)
        }
        try judgeAssociations(ledger)
    }

    /// Somebody reads the ledger of a process that runs: what a reader has seen stays.
    func judgeReading(_ ledger: Ledger, of machine: Machine) throws {
        for run in try ledger.runs(in: [.applying]) { try judgeJournal(of: run, ledger, machine.worker) }
    }

    private func began(_ run: RunRecord) -> Duration { .seconds(run.started.timeIntervalSince(start)) }

    private func judgeGuards(of run: RunRecord, _ worker: Int) {
        guard [.applying, .stopped, .finished].contains(run.state), let figures = run.figures else { return }
        let limits = Guard()
        // A date is not exact to the nanosecond: settings of the very moment may be before it or after it.
        let began = began(run) - .milliseconds(1)
        let mostDeletes = mostDeletes[worker] ?? []
        let before = mostDeletes.last { $0.since < began }?.most ?? 0
        let most = max(before, mostDeletes.filter { $0.since >= began }.map(\.most).max() ?? 0)
        let share = figures.inScope < 100 ? 20 : Int(Double(figures.inScope) * limits.maxDeletesShare)
        let approved = lie == .noApprovals ? 0 : run.approvedDeletes ?? 0
        let allowed = max(min(most, share), approved)
        if run.counts.deletes > allowed {
            breaks(.guards, "run \(run.id) has \(run.counts.deletes) deletes, and \(allowed) are allowed")
        }
    }

    private func judgeApproval(of run: RunRecord, _ worker: Int) {
        guard [.applying, .stopped, .finished].contains(run.state), let deletes = run.approvedDeletes,
            !used.values.contains(Self.key(worker, run.id))
        else { return }
        let fits = approvals.filter { given in
            let age = run.started.timeIntervalSince(given.at)
            return given.worker == worker && given.run.job == run.source && given.deletes == deletes && age >= -60
                && age <= 86_401
                && run.digest == given.run.digest
        }
        // However often a waiting run is approved, it is approved once.
        guard let given = fits.last(where: { used[Self.key(worker, $0.run.id)] == nil }) else {
            return breaks(
                .approval,
                "run \(run.id) began with \(deletes) approved deletes, and "
                    + (fits.isEmpty ? "nobody has approved that" : "the approval was used before"))
        }
        used[Self.key(worker, given.run.id)] = Self.key(worker, run.id)
        story.note("run \(run.id) uses the approval of run \(given.run.id)")
    }

    /// A run of one of the workers, whose ledgers may have runs of the same id.
    private static func key(_ worker: Int, _ run: String) -> String { "\(worker) \(run)" }

    private func judgeParts(of run: RunRecord) {
        guard [.applying, .stopped, .finished].contains(run.state) else { return }
        let own = exports(of: run)
        for export in own {
            guard let part = export.part else { continue }
            let count = Set(own.filter { $0.part?.export == part.export }.map(\.name)).count
            let expected = part.count + (lie == .onePartMore ? 1 : 0)
            if count != expected {
                breaks(.parts, "run \(run.id) applies \(count) of the \(expected) parts of \(part.export)")
            }
        }
    }

    private func judgeSequence(of run: RunRecord, _ worker: Int) {
        guard run.command == "serve", let (kinds, time) = snapshot(run),
            !approvals.contains(where: { $0.run.digest == run.digest }),
            let said = said[worker]
        else { return }
        let runs = said.runs.values
        for other in said.inOrder.prefix(while: { $0.id != run.id }) where other.source == run.source {
            guard let (theirs, newer) = snapshot(other), !kinds.isDisjoint(with: theirs),
                newer > time || lie == .newerBefore && newer < time, !runs.contains(where: { $0.undone == other.id })
            else { continue }
            breaks(.sequence, "run \(run.id) applies a snapshot that is older than that of run \(other.id)")
        }
    }

    /// What a run that has applied a whole snapshot speaks for, and the time that counts for its order.
    private func snapshot(_ run: RunRecord) -> (kinds: Set<OwnerKind>, time: Duration)? {
        let own = exports(of: run)
        guard [.applying, .stopped, .finished].contains(run.state), run.undone == nil, own.count == run.exports.count,
            own.allSatisfy({ $0.isWhole && !$0.isDelta }), let time = run.exports.compactMap(\.time).max()
        else { return nil }
        return (own.reduce(into: []) { $0.formUnion($1.kinds) }, time)
    }

    /// Judges whether each export that was put into an inbox is there once, and as it was.
    func judgeFiles(_ put: [String: WrittenExport], in inbox: String) {
        let found = Files.all(below: inbox)
        for (name, export) in put.sorted(by: { $0.key < $1.key }) {
            let places = Files.places(of: lie == .oneFileMore ? name + ".more" : name, in: found)
            guard places.count == 1, let place = places.first else {
                story.note("below \(inbox): \(found.values.joined().sorted().joined(separator: ", "))")
                return breaks(.files, "\(name) is in \(places.count) places below \(Self.name(inbox))")
            }
            if Files.bytes(of: place) != export.bytes {
                return breaks(.files, "\(name) is not as it was put into \(Self.name(inbox))")
            }
        }
    }

    static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }

    private func judgeJournal(of run: RunRecord, _ ledger: Ledger, _ worker: Int) throws {
        let counts = try ledger.counts(of: run.id)
        if run.state == .finished, counts.pending > 0 {
            breaks(.outcome, "run \(run.id) is finished, and \(counts.pending) changes have no outcome")
        }
        let began = began(run)
        var outcomes = said[worker]?.outcomes ?? [:]
        defer { said[worker, default: Said()].outcomes = outcomes }
        try ledger.forEachEntry(of: run.id) { entry in
            guard let outcome = entry.outcome?.outcome else {
                if outcomes[entry.id] != nil { breaks(.outcome, "the outcome of \(entry.change.association) is gone") }
                return
            }
            if let before = outcomes[entry.id] {
                if before != outcome {
                    breaks(.outcome, "\(entry.change.association) was \(before.rawValue), and is \(outcome.rawValue)")
                }
                return
            }
            outcomes[entry.id] = outcome
            judge(outcome, of: entry, began: began)
        }
    }

    private func judge(_ outcome: Outcome, of entry: JournalEntry, began: Duration) {
        let association = entry.change.association
        // A listing shows what was so a while ago.
        let since = listingLags ? began - .seconds(120) : began
        switch outcome {
        case .created, .alreadyThere:
            if !truth.was(association, present: true, since: since) {
                breaks(.truth, "\(association) is \(outcome.rawValue), and was never there during the run")
            }
        case .deleted, .alreadyGone:
            if !truth.was(association, present: false, since: since) {
                breaks(.truth, "\(association) is \(outcome.rawValue), and was there all the time")
            }
        case .rejected, .failed, .skipped, .withheld: break
        }
    }

    private func judgeReport(of run: RunRecord, _ ledger: Ledger) throws {
        guard run.state == .finished || run.state == .stopped || run.state == .refused,
            let report = try ReportFolder(path: ledger.folder + "/runs/" + run.id).report(), report.run == run.id
        else { return }
        // A process that was killed leaves the report that was true before.
        if run.ended != nil, let problem = report.inconsistencies().first {
            breaks(.records, "the report of run \(run.id): \(problem)")
        }
        for summary in report.exports {
            guard let taken = run.exports.first(where: { $0.path == summary.path }),
                let export = export(taken, of: run), export.isWhole, let records = export.records
            else { continue }
            let expected = records + (lie == .oneRecordMore ? 1 : 0)
            if summary.records != expected {
                breaks(
                    .records, "\(export.name) has \(expected) records, and run \(run.id) tells of \(summary.records)")
            }
            if let unusable = export.unusable, summary.rejectedCount != unusable {
                breaks(
                    .records,
                    "\(export.name) has \(unusable) records that nobody can use, and run \(run.id) rejects "
                        + "\(summary.rejectedCount)")
            }
        }
    }

    private func judgeAssociations(_ ledger: Ledger) throws {
        try ledger.forEachAssociation { _, stored in
            guard stored.confirmation != nil, !truth.contains(stored.association) else { return }
            if listingLags || truth.wasTakenByOthers(stored.association) { return }
            // The last word of the journal on a delete may be that nobody knows.
            let entries = try ledger.entries(of: stored.association.cart).filter {
                $0.change.association == stored.association && $0.change.kind == .delete
            }
            if let outcome = entries.last?.outcome?.outcome, [.deleted, .alreadyGone].contains(outcome) {
                breaks(.truth, "the ledger has \(stored.association) in the store, and has deleted it")
            } else if entries.isEmpty, !forgetsRuns {
                breaks(.truth, "the ledger has \(stored.association) in the store, and it is not there")
            }
        }
    }

    // MARK: - At rest

    /// Judges the store after each source's last export was applied and nothing else happens.
    ///
    /// Returns whether deletes are withheld, which a second reading may make.
    func judgeRest(_ last: [WrittenExport], _ store: Set<Association>, _ ledgers: [Ledger]) throws -> Bool {
        var isWithheld = false
        let store = lie == .oneMissing ? Set(store.sorted().dropFirst()) : store
        if store != truth.present, lie == nil {
            breaks(.rest, "the sandbox and the record of its changes differ, which is a fault of the simulation")
            return false
        }
        let wanted = last.reduce(into: Set<Association>()) { $0.formUnion($1.creates) }
        if let missing = wanted.subtracting(store).sorted().first {
            breaks(.rest, "\(missing) is wanted, and not there")
        }
        for association in store.subtracting(wanted).sorted() where truth.maker(of: association) == .cartsync {
            guard last.contains(where: { $0.kinds.contains(association.owner.kind) }) else { continue }
            guard let stored = try ledgers.lazy.compactMap({ try $0.association(association) }).first else {
                // Nobody's any more: an earlier run let go of it before an attempt took effect late.
                continue
            }
            // What may be the rest of an export that was cut is withheld, and told of.
            let entry = try ledgers.flatMap { try $0.entries(of: association.cart) }.last {
                $0.change.association == association && $0.change.kind == .delete
            }
            if entry?.outcome?.outcome == .withheld {
                isWithheld = true
                continue
            }
            let kinds = last.filter { stored.sources.contains($0.source) }
            if try kinds.contains(where: { try hasIncompleteListing($0.source, association, ledgers) }) {
                isWithheld = true
            } else if kinds.contains(where: { $0.kinds.contains(association.owner.kind) }) {
                breaks(.rest, "\(association) is there, and no export wants it")
            }
        }
        return isWithheld
    }

    /// Whether the last run of a source about an association says that its listing was not complete: what it did not show stays.
    private func hasIncompleteListing(
        _ source: String, _ association: Association, _ ledgers: [Ledger]
    ) throws -> Bool {
        for ledger in ledgers where try ledger.association(association) != nil {
            guard let run = try ledger.runs(limit: 1000).first(where: { $0.source == source && $0.state == .finished }),
                let report = try ReportFolder(path: ledger.folder + "/runs/" + run.id).report()
            else { continue }
            if report.plan.currentReason.contains("is not complete and causes no delete") { return true }
        }
        return false
    }
}

/// A false history that the oracle is told, to show that it would notice.
enum Lie: String, CaseIterable {
    case nothingAsserted, standingRecords, nothingWanted, noApprovals, nobodyApproved, otherShard, onePartMore,
        newerBefore, oneFileMore, lowerLimit, oneRecordMore, oneMissing

    var breaks: Oracle.Promise {
        switch self {
        case .nothingAsserted: .scope
        case .standingRecords: .doubt
        case .nothingWanted: .creates
        case .noApprovals: .guards
        case .nobodyApproved: .approval
        case .otherShard: .alone
        case .onePartMore: .parts
        case .newerBefore: .sequence
        case .oneFileMore: .files
        case .lowerLimit: .limit
        case .oneRecordMore: .records
        case .oneMissing: .rest
        }
    }
}

extension RunRecord {
    /// That of its exports, as a waiting run has it.
    fileprivate var digest: String {
        let digests = exports.map(\.digest)
        guard digests.count > 1 else { return digests.first ?? "" }
        return SHA256.hash(data: Data(digests.joined(separator: "\n").utf8)).map { String(format: "%02x", $0) }.joined()
    }
}
