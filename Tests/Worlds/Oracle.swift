import CartAssociations
import Foundation
import Ledger
import SyncReporting

/// What must be true of a world at every step, judged from a plain record of what really happened.
final class Oracle: @unchecked Sendable {
    enum Promise: String, CaseIterable {
        /// Nothing is deleted that no accepted export of the source ever asserted, or that another source wants.
        case scope
        /// Nothing is deleted that the export at hand still has, damaged as it may be.
        case doubt
        /// No plan with more deletes than the guards allow is applied, unless a person approved as many.
        case guards
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
    /// All exports that were put into an inbox, by their names.
    private(set) var exports: [String: WrittenExport] = [:]
    private(set) var breach: Breach?
    private let timeline: Timeline
    private let story: Story
    private let lie: Lie?
    private var arrivals: [Duration] = []
    private var underWay: [CartID: Int] = [:]
    private var ledger: Ledger?
    private var outcomes: [Int64: Outcome] = [:]
    private var seenRuns: [String: RunRecord.State] = [:]
    /// The dates of the world's beginning, which the ledger's are counted from.
    private let start: Date
    /// Whether the listing may show what is over.
    var listingLags = false

    init(_ timeline: Timeline, _ story: Story, lie: Lie?) {
        (self.timeline, self.story, self.lie) = (timeline, story, lie)
        start = timeline.date
    }

    func note(_ export: WrittenExport) { exports[export.name] = export }

    func breaks(_ promise: Promise, _ words: String) {
        guard breach == nil else { return }
        breach = Breach(promise: promise, words: words)
        story.note("BROKEN \(promise.rawValue): \(words)")
    }

    // MARK: - Calls

    /// A process has opened the ledger, or has ended.
    func watches(_ ledger: Ledger?) {
        self.ledger = ledger
        underWay = [:]
    }

    /// A change leaves for the store.
    func sees(_ change: StoreChange, in life: Life) {
        let association = change.association
        underWay[association.cart, default: 0] += 1
        if underWay[association.cart, default: 0] > 1 {
            breaks(.order, "two changes of cart \(association.cart) at once")
        }
        do {
            guard let ledger else { return breaks(.journal, "a call without a ledger") }
            let entries = try ledger.entries(of: association.cart).filter {
                $0.change.association == association && $0.change.kind == change.kind
            }
            guard let entry = entries.last(where: { $0.outcome == nil }), let run = try ledger.run(entry.run) else {
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
            if change.kind == .delete { try judgeDelete(association, of: run, ledger) }
        } catch {
            breaks(.journal, "the ledger cannot be read: \(error)")
        }
    }

    func ends(_ change: StoreChange) {
        if let count = underWay[change.association.cart] { underWay[change.association.cart] = count - 1 }
    }

    /// A call arrives at the store.
    func arrives(at time: Duration, limit: Int) {
        arrivals.removeAll { $0 <= time - .seconds(1) }
        arrivals.append(time)
        let most = lie == .lowerLimit ? 2 : limit
        if arrivals.count > most { breaks(.limit, "\(arrivals.count) calls in a second, and the limit is \(most)") }
    }

    // MARK: - Deletes

    private func judgeDelete(_ association: Association, of run: RunRecord, _ ledger: Ledger) throws {
        if let undone = run.undone {
            let made = try ledger.entries(of: association.cart).contains {
                $0.run == undone && $0.change.association == association && $0.outcome?.outcome == .created
            }
            if !made { breaks(.scope, "run \(run.id) takes \(association) back, which run \(undone) has not made") }
            return try requireUnwanted(association, by: run, ledger)
        }
        let own = run.exports.compactMap { exports[Self.name($0.path)] }
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
        try requireUnwanted(association, by: run, ledger)
        guard run.scope != .all else { return }
        if run.scope == .none { breaks(.scope, "run \(run.id) deletes \(association), and deletes none") }
        let owners = own.flatMap { $0.creates.map(\.owner) }
        if run.scope == .listed, owners.contains(association.owner) { return }
        // What an export asserts is its source's, whoever has made it; what cartsync has made is nobody else's.
        let accepted = lie == .nothingAsserted ? [] : try self.accepted(by: run.source, ledger)
        let isAsserted = accepted.contains { $0.creates.contains(association) || $0.deletes.contains(association) }
        if !isAsserted, lie == .nothingAsserted || truth.maker(of: association) == .shopper {
            breaks(
                .scope, "run \(run.id) deletes \(association), which no accepted export of \(run.source) has asserted")
        }
    }

    /// Other sources' last whole export must not want it.
    private func requireUnwanted(_ association: Association, by run: RunRecord, _ ledger: Ledger) throws {
        for source in Set(exports.values.map(\.source)).sorted() where source != run.source {
            guard let last = try accepted(by: source, ledger).last, !last.isDelta, last.isWhole,
                last.creates.contains(association)
            else { continue }
            // A person may have taken back what it wanted.
            if try ledger.runs(limit: 1000).contains(where: { $0.source == source && $0.undone != nil }) { continue }
            breaks(.scope, "run \(run.id) deletes \(association), which \(last.name) of source \(source) wants")
        }
    }

    /// The exports that runs of a source have taken, the oldest run first.
    private func accepted(by source: String, _ ledger: Ledger) throws -> [WrittenExport] {
        try ledger.runs(limit: 1000).reversed().filter {
            $0.source == source && $0.undone == nil && [.applying, .stopped, .finished].contains($0.state)
        }.flatMap { $0.exports.compactMap { exports[Self.name($0.path)] } }
    }

    static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }

    // MARK: - Between processes

    /// Judges what the ledger and the reports say, once a process has ended.
    ///
    /// - Parameter again: whether runs that were over before are judged once more.
    func judge(_ ledger: Ledger, again: Bool = false) throws {
        for run in try ledger.runs(limit: 1000).reversed()
        where again || seenRuns[run.id] != run.state || run.isResumable {
            if seenRuns[run.id] == nil { story.runs += 1 }
            if seenRuns[run.id] != run.state {
                story.note("run \(run.id) of \(run.source) is \(run.state.rawValue): \(run.reason ?? "")")
            }
            seenRuns[run.id] = run.state
            try judgeJournal(of: run, ledger)
            judgeGuards(of: run)
            try judgeReport(of: run, ledger)
        }
        try judgeAssociations(ledger)
    }

    private func judgeGuards(of run: RunRecord) {
        guard [.applying, .stopped, .finished].contains(run.state), let figures = run.figures else { return }
        let limits = Guard()
        let usual =
            figures.inScope < 100
            ? 20 : min(limits.maxDeletes, Int(Double(figures.inScope) * limits.maxDeletesShare))
        let most = max(usual, lie == .noApprovals ? 0 : run.approvedDeletes ?? 0)
        if run.counts.deletes > most {
            breaks(.guards, "run \(run.id) has \(run.counts.deletes) deletes, and \(most) are allowed")
        }
    }

    private func judgeJournal(of run: RunRecord, _ ledger: Ledger) throws {
        let counts = try ledger.counts(of: run.id)
        if run.state == .finished, counts.pending > 0 {
            breaks(.outcome, "run \(run.id) is finished, and \(counts.pending) changes have no outcome")
        }
        let began = Duration.seconds(run.started.timeIntervalSince(start))
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
            guard let export = exports[Self.name(summary.path)], export.isWhole, let records = export.records else {
                continue
            }
            let expected = records + (lie == .oneRecordMore ? 1 : 0)
            if summary.records != expected {
                breaks(
                    .records, "\(export.name) has \(expected) records, and run \(run.id) tells of \(summary.records)")
            }
            if summary.rejectedCount != export.unusable {
                breaks(
                    .records,
                    "\(export.name) has \(export.unusable) records that nobody can use, and run \(run.id) rejects "
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
            } else if entries.isEmpty {
                breaks(.truth, "the ledger has \(stored.association) in the store, and it is not there")
            }
        }
    }

    // MARK: - At rest

    /// Judges the store after each source's last export was applied and nothing else happens.
    func judgeRest(_ last: [WrittenExport], _ store: Set<Association>, _ ledger: Ledger) throws {
        let store = lie == .oneMissing ? Set(store.sorted().dropFirst()) : store
        if store != truth.present, lie == nil {
            return breaks(.rest, "the sandbox and the record of its changes differ, which is a fault of the simulation")
        }
        let wanted = last.reduce(into: Set<Association>()) { $0.formUnion($1.creates) }
        if let missing = wanted.subtracting(store).sorted().first {
            breaks(.rest, "\(missing) is wanted, and not there")
        }
        for association in store.subtracting(wanted).sorted() where truth.maker(of: association) == .cartsync {
            guard last.contains(where: { $0.kinds.contains(association.owner.kind) }) else { continue }
            guard let stored = try ledger.association(association) else {
                // Nobody's any more: an earlier run let go of it before an attempt took effect late.
                continue
            }
            let kinds = last.filter { stored.sources.contains($0.source) }
            if kinds.contains(where: { $0.kinds.contains(association.owner.kind) }) {
                breaks(.rest, "\(association) is there, and no export wants it")
            }
        }
    }
}

/// A false history that the oracle is told, to show that it would notice.
enum Lie: String, CaseIterable {
    case nothingAsserted, standingRecords, noApprovals, lowerLimit, oneRecordMore, oneMissing

    var breaks: Oracle.Promise {
        switch self {
        case .nothingAsserted: .scope
        case .standingRecords: .doubt
        case .noApprovals: .guards
        case .lowerLimit: .limit
        case .oneRecordMore: .records
        case .oneMissing: .rest
        }
    }
}
