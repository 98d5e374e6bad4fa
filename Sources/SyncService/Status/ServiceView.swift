import CallPacing
import CartAssociations
import Foundation
import Ledger
import SyncEngine
import SyncReporting

/// What the service is doing now, as `/api/service` and the page show it.
///
/// Times of the day are ISO 8601, spans of time seconds, latencies milliseconds, rates calls a second.
struct ServiceView: Encodable, Sendable {
    var version: String
    /// The address of the store.
    var store: String
    var time: Date
    /// What a person is to know first.
    var headline = ServiceLine(tone: .good, text: "")
    /// What there is to know besides, the worst first.
    var also: [ServiceLine] = []
    /// Whether there is a token with which runs can be approved and stopped here.
    var takesApprovals: Bool
    var rate: Rate
    var jobs: [Job]
    /// The run at hand.
    var run: Run?
    var waiting: [Waiting]
    /// Grows with each run that begins or ends: then `/api/runs` has something new.
    var runsSeen: Int
    /// What is wrong with the whole and stops no job yet, a sentence each.
    var warnings: [String] = []

    struct Rate: Encodable, Sendable {
        /// The rate in force.
        var now: Int
        /// The rate that was set.
        var limit: Int
    }

    /// One job, and when it looks for exports again.
    struct Job: Encodable, Sendable {
        var name: String
        /// Where its exports come from, in words.
        var source: String
        /// nil before the first poll.
        var nextPollSeconds: Double?
        /// For how long no export is taken because runs failed in a row; nil if exports are taken.
        var pauseSeconds: Double?
        /// Exports that were seen and not taken yet.
        var exportsWaiting: Int
        /// The export that is being synced.
        var export: String?
        /// Why it cannot do its work now; empty if it can.
        var problems: [String]
        /// What is passed over at the source and holds up nothing else, a sentence each.
        var notes: [String]
        /// What a person has to look at although it can do its work, a sentence each.
        var attention: [String] = []
        /// Exports of which parts are missing for long, a sentence each; they are in `attention` too.
        var overdue: [String] = []
        /// Since when it had no success, if that is longer than `notify.success-within` allows, as the rest of a sentence.
        var late: String?
        /// What keeps it from taking the next export; nil if nothing does.
        var heldBy: String?
        /// The last run that has ended, in one way or another; nil if there was none.
        var lastRun: RunsView.Run?
        /// The last run that did all it had to; nil if there was none.
        var lastSuccess: RunsView.Run?
        /// How many exports lie in `failed/` and in `waiting/`, and the last that came there.
        var failedCount = 0
        var failed: [Lying] = []
        var waitingCount = 0
        var waiting: [Lying] = []
        /// How many in `waiting/` no run is known of.
        var waitingWithoutRun = 0
        /// Exports whose runs were interrupted, which are tried again, a sentence each.
        var interrupted: [String] = []
    }

    /// An export that lies in `failed/` or `waiting/`.
    struct Lying: Encodable, Sendable {
        var name: String
        var since: Date
        /// What is written beside it; nil if nothing is, or the one who asks may not see it, since it may name an owner.
        var reason: String?
        /// The path of what is written beside it.
        var file: String
    }

    /// How far a run has come.
    struct Run: Encodable, Sendable, Equatable {
        var run: String
        var job: String
        var export: String
        var phase: RunProgress.Phase
        var done: Int
        /// nil if it is not known yet.
        var total: Int?
        var failed: Int
        var retries: Int
        /// Calls a second of the last half minute; nil at the beginning.
        var rate: Double?
        var limit: Double
        /// Why the rate in force is not the limit, or why calls are held back.
        var reason: String?
        var pauseSeconds: Double?
        var elapsedSeconds: Double
        var secondsLeft: Double?
        /// Response times of the run so far.
        var p50: Double?
        var p99: Double?
        var isStopping: Bool
        /// The associations that were created and deleted since this process went on with the run.
        var created = 0
        var deleted = 0
        /// The run from its start until now, in windows of one length.
        var windows: [LiveWindow] = []
    }

    /// A run that waits for a person.
    struct Waiting: Encodable, Sendable {
        var run: String
        var job: String
        var export: String
        var cause: WaitingRun.Cause
        var since: Date
        var records: Int
        var creates: Int
        var deletes: Int
        /// Why it waits, a sentence a guard.
        var reasons: [String]
        /// The owners who would lose the most carts, most first.
        var owners: [Loss]
        /// Whether a number of deletes is all it needs.
        var canBeApproved: Bool
        /// Until when it is approved; nil if it is not.
        var approvedUntil: Date?
        /// The command that approves it, or what else can be done.
        var command: String
        /// The command that declines it.
        var declineCommand = ""
        /// Whether there is a list of all that would be deleted.
        var hasDeletes = false

        /// How many carts an owner would lose.
        struct Loss: Encodable, Sendable {
            var kind: OwnerKind
            var owner: String
            var deletes: Int
        }
    }
}

extension ServiceView.Job {
    /// - Parameters:
    ///   - last: how the last runs of its source ended.
    ///   - failed: the path of the folder of exports that failed; `waiting` of those that wait.
    init(_ status: JobStatus, last: (run: RunsView.Run?, success: RunsView.Run?), inbox: Inbox) {
        func seconds(_ duration: Duration) -> Double { ((duration / .seconds(1)) * 10).rounded() / 10 }
        self.init(
            name: status.name, source: status.source, nextPollSeconds: status.nextPoll.map(seconds),
            pauseSeconds: status.pause.map(seconds),
            exportsWaiting: status.inbox.view.count,
            export: status.inbox.current, problems: status.health.reasons,
            notes: status.notes, attention: status.health.attention, overdue: status.overdue, heldBy: status.heldBy,
            lastRun: last.run, lastSuccess: last.success, failedCount: status.inbox.failed.count,
            failed: Self.lying(status.inbox.failed, inbox.path(.failed)), waitingCount: status.inbox.waiting.count,
            waiting: Self.lying(status.inbox.waiting, inbox.path(.waiting)),
            interrupted: status.inbox.interruptions.sorted { $0.key < $1.key }.map {
                "\($0.key) is tried again: \($0.value)"
            })
    }

    /// Since when it had no success, as the rest of a sentence; nil if its last one is not older than allowed, or if it had no
    /// run yet.
    func lateness(allowing age: Duration, now: Date) -> String? {
        guard let success = lastSuccess else {
            return lastRun == nil ? nil : "had no success for \(age.inWords): there was none yet"
        }
        let end = success.ended ?? success.started
        guard now.timeIntervalSince(end) > age / .seconds(1) else { return nil }
        return "had no success for \(age.inWords): the last success ended at \(end.formatted(.iso8601))"
    }

    private static func lying(_ exports: LyingExports, _ folder: String) -> [ServiceView.Lying] {
        exports.newest.map { export in
            ServiceView.Lying(
                name: export.name, since: Date(timeIntervalSince1970: export.since / .seconds(1)),
                reason: export.reason, file: "\(folder)/\(Inbox.report(of: export.name))/\(Inbox.reasonName)")
        }
    }
}

extension ServiceView.Run {
    /// - Parameter limit: the rate that was set.
    init(
        _ tools: RunTools, _ run: String, of job: (name: String, export: String), limit: Int, isStopping: Bool,
        now: ContinuousClock.Instant, date: Date
    ) {
        let progress = tools.progress.now
        let snapshot = tools.recorder.snapshot()
        let recent = tools.recorder.recentRate(now: now)
        let counts = ProgressCounts(
            done: progress.done, total: progress.total, failed: progress.failed, limit: Double(limit),
            p50: snapshot.milliseconds(atPercentile: 50, of: progress.phase.operations, .response),
            p99: snapshot.milliseconds(atPercentile: 99, of: progress.phase.operations, .response),
            from: tools.recorder, now: now)
        self.init(
            run: run, job: job.name, export: job.export, phase: progress.phase, done: progress.done,
            total: progress.total, failed: progress.failed, retries: counts.retries, rate: recent > 0 ? recent : nil,
            limit: counts.limit, reason: counts.reason, pauseSeconds: counts.pauseLeft,
            elapsedSeconds: max(0, date.timeIntervalSince(snapshot.started)), p50: counts.p50, p99: counts.p99,
            isStopping: isStopping, created: tools.progress.made.created, deleted: tools.progress.made.deleted,
            windows: snapshot.windows(of: progress.phase.operations, limit: Double(limit)))
        if progress.phase == .applying, let rate, let total { secondsLeft = Double(max(0, total - done)) / rate }
    }
}

extension ServiceView.Waiting {
    /// - Parameters:
    ///   - state: the state folder.
    ///   - hasDeletes: whether there is a list of all that would be deleted.
    init(_ run: WaitingRun, _ approval: Approval?, state: String, hasDeletes: Bool) {
        let canBeApproved = run.lasting.isEmpty
        self.init(
            run: run.id, job: run.job, export: run.export, cause: run.cause, since: run.since, records: run.records,
            creates: run.counts.creates, deletes: run.counts.deletes,
            reasons: (run.refusals.isEmpty ? [run.reason] : run.refusals.map(\.sentence)) + run.warnings,
            owners: run.hardestHit.map {
                Loss(kind: $0.owner.kind, owner: $0.owner.id.text, deletes: $0.deletes)
            },
            canBeApproved: canBeApproved, approvedUntil: approval?.expires,
            command: canBeApproved ? WaitingRun.command(run.id, state: state) : WaitingRun.advice(run.lasting),
            declineCommand: WaitingRun.declineCommand(run.id, state: state), hasDeletes: hasDeletes)
    }
}

extension ServiceView {
    /// The same with owners by names that do not tell their ids.
    func hidingOwners(_ names: OwnerNames) -> ServiceView {
        var view = self
        for run in view.waiting.indices {
            view.waiting[run].owners = view.waiting[run].owners.map { loss in
                guard !OwnerNames.isHidden(loss.owner), let id = OwnerID(loss.owner) else { return loss }
                return .init(kind: loss.kind, owner: names.text(Owner(kind: loss.kind, id: id)), deletes: loss.deletes)
            }
        }
        for job in view.jobs.indices {
            for export in view.jobs[job].failed.indices { view.jobs[job].failed[export].reason = nil }
            for export in view.jobs[job].waiting.indices { view.jobs[job].waiting[export].reason = nil }
        }
        return view
    }
}

extension RunsView.Run {
    /// How a run ended, in a sentence that names no owner, since nobody is asked who looks at it: what the store, an export or
    /// the ledger said is in the report and in the log.
    private static func verdict(of run: RunRecord) -> String? {
        switch run.exitStatus {
        case nil, .done, .changesFound, .incomplete, .refused, .objectiveCrossed: run.reason ?? run.exitStatus?.words
        case .usage, .exportRefused, .exportUnreadable, .unavailable, .bug, .stateUnwritable, .stoppedEarly,
            .credentialsRefused, .badSettings:
            run.exitStatus?.words
        }
    }
}

/// A page of runs, the newest first, as `/api/runs` shows it.
struct RunsView: Encodable, Sendable {
    var runs: [Run]
    /// The path of the next page; nil on the last.
    var next: String?

    /// What is known of one run.
    struct Run: Encodable, Sendable {
        var run: String
        var job: String
        var command: String
        var state: State
        var started: Date
        var ended: Date?
        var exitStatus: ExitStatus?
        /// How it ended, in a sentence; nil while it goes on.
        var verdict: String?
        var creates: Int
        var deletes: Int
        var kept: Int
        /// Its changes that were rejected, failed or skipped; nil before its end.
        var failed: Int?
        /// The names of its exports, without folders.
        var exports: [String]
        /// The path of its report; nil if there is none.
        var report: String?
    }

    /// The state of a run as the ledger knows it, or `waiting` for a person, or `superseded` by a later run.
    enum State: Encodable, Sendable, Equatable {
        case waiting
        case superseded
        case recorded(RunRecord.State)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .waiting: try container.encode("waiting")
            case .superseded: try container.encode("superseded")
            case .recorded(let state): try container.encode(state)
            }
        }
    }
}

extension RunsView.Run {
    /// - Parameters:
    ///   - isWaiting: whether the run waits for a person.
    ///   - report: the path of its report; nil if there is none.
    init(_ run: RunRecord, isWaiting: Bool, report: String?) {
        let status = run.exitStatus
        self.init(
            run: run.id, job: run.source, command: run.command,
            state: isWaiting ? .waiting : run.supersededBy == nil ? .recorded(run.state) : .superseded,
            started: run.started, ended: run.ended, exitStatus: status,
            verdict: Self.verdict(of: run),
            creates: run.counts.creates, deletes: run.counts.deletes, kept: run.counts.kept,
            failed: run.unsuccessful,
            exports: run.exports.map { URL(filePath: $0.path).lastPathComponent }, report: report)
    }
}
