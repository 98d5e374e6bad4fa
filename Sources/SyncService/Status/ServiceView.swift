package import struct Foundation.Date

/// What the service is doing now, as `/api/service` and the page show it.
///
/// Times of the day are ISO 8601, spans of time seconds, latencies milliseconds, rates calls a second.
package struct ServiceView: Encodable, Sendable {
    package var version: String
    package var time: Date
    /// Whether there is a token with which runs can be approved and stopped here.
    package var takesApprovals: Bool
    package var rate: Rate
    package var jobs: [Job]
    /// The run that goes on.
    package var run: Run?
    package var waiting: [Waiting]
    /// Grows with each run that begins or ends: then `/api/runs` has something new.
    package var runsSeen: Int

    package init(
        version: String, time: Date, takesApprovals: Bool, rate: Rate, jobs: [Job], run: Run?, waiting: [Waiting],
        runsSeen: Int
    ) {
        self.version = version
        self.time = time
        self.takesApprovals = takesApprovals
        self.rate = rate
        self.jobs = jobs
        self.run = run
        self.waiting = waiting
        self.runsSeen = runsSeen
    }

    package struct Rate: Encodable, Sendable {
        /// The rate in force.
        package var now: Int
        /// The rate that was set.
        package var limit: Int

        package init(now: Int, limit: Int) {
            self.now = now
            self.limit = limit
        }
    }

    /// One job, and when it looks for exports again.
    package struct Job: Encodable, Sendable {
        package var name: String
        /// Where its exports come from, in words.
        package var source: String
        /// nil before the first poll.
        package var nextPollSeconds: Double?
        /// For how long no export is taken because runs failed in a row; nil where none did.
        package var pauseSeconds: Double?
        /// Exports that were seen and not taken yet.
        package var exportsWaiting: Int
        /// The export that is being synced.
        package var export: String?
        /// Why it cannot do its work now; empty where it can.
        package var problems: [String]

        package init(
            name: String, source: String, nextPollSeconds: Double?, pauseSeconds: Double?, exportsWaiting: Int,
            export: String?, problems: [String]
        ) {
            self.name = name
            self.source = source
            self.nextPollSeconds = nextPollSeconds
            self.pauseSeconds = pauseSeconds
            self.exportsWaiting = exportsWaiting
            self.export = export
            self.problems = problems
        }
    }

    /// How far a run has come.
    package struct Run: Encodable, Sendable, Equatable {
        package var run: String
        package var job: String
        package var export: String
        /// For instance `applying`.
        package var phase: String
        package var done: Int
        /// nil where it is not known yet.
        package var total: Int?
        package var failed: Int
        package var retries: Int
        /// Calls a second of the last half minute; nil at the beginning.
        package var rate: Double?
        package var limit: Double
        /// Why the rate in force is not the limit, or why calls are held back.
        package var reason: String?
        package var pauseSeconds: Double?
        package var elapsedSeconds: Double
        package var secondsLeft: Double?
        /// Response times of the run so far.
        package var p50: Double?
        package var p99: Double?
        package var isStopping: Bool

        package init(
            run: String, job: String, export: String, phase: String, done: Int, total: Int?, failed: Int, retries: Int,
            rate: Double?, limit: Double, reason: String?, pauseSeconds: Double?, elapsedSeconds: Double,
            secondsLeft: Double?, p50: Double?, p99: Double?, isStopping: Bool
        ) {
            self.run = run
            self.job = job
            self.export = export
            self.phase = phase
            self.done = done
            self.total = total
            self.failed = failed
            self.retries = retries
            self.rate = rate
            self.limit = limit
            self.reason = reason
            self.pauseSeconds = pauseSeconds
            self.elapsedSeconds = elapsedSeconds
            self.secondsLeft = secondsLeft
            self.p50 = p50
            self.p99 = p99
            self.isStopping = isStopping
        }
    }

    /// A run that waits for a person.
    package struct Waiting: Encodable, Sendable {
        package var run: String
        package var job: String
        package var export: String
        /// `refused` by a guard, or `stopped` by a person.
        package var cause: String
        package var since: Date
        package var records: Int
        package var creates: Int
        package var deletes: Int
        /// Why it waits, a sentence a guard.
        package var reasons: [String]
        /// The owners who would lose the most carts, most first.
        package var owners: [Loss]
        /// Whether a number of deletes is all it needs.
        package var canBeApproved: Bool
        /// Until when it is approved; nil where it is not.
        package var approvedUntil: Date?
        /// The command that approves it.
        package var command: String

        package init(
            run: String, job: String, export: String, cause: String, since: Date, records: Int, creates: Int,
            deletes: Int, reasons: [String], owners: [Loss], canBeApproved: Bool, approvedUntil: Date?, command: String
        ) {
            self.run = run
            self.job = job
            self.export = export
            self.cause = cause
            self.since = since
            self.records = records
            self.creates = creates
            self.deletes = deletes
            self.reasons = reasons
            self.owners = owners
            self.canBeApproved = canBeApproved
            self.approvedUntil = approvedUntil
            self.command = command
        }

        /// How many carts an owner would lose.
        package struct Loss: Encodable, Sendable {
            package var kind: String
            package var owner: String
            package var deletes: Int

            package init(kind: String, owner: String, deletes: Int) {
                self.kind = kind
                self.owner = owner
                self.deletes = deletes
            }
        }
    }
}

/// A page of runs, the newest first, as `/api/runs` shows it.
package struct RunsView: Encodable, Sendable {
    package var runs: [Run]
    /// The path of the next page; nil on the last.
    package var next: String?

    package init(runs: [Run], next: String?) {
        self.runs = runs
        self.next = next
    }

    /// What is known of one run.
    package struct Run: Encodable, Sendable {
        package var run: String
        package var job: String
        package var command: String
        /// `planning`, `refused`, `applying`, `finished`, `stopped`, `failed`, `superseded` or `waiting`.
        package var state: String
        package var started: Date
        package var ended: Date?
        package var exitStatus: Int?
        /// How it ended, in a sentence; nil while it goes on.
        package var verdict: String?
        package var creates: Int
        package var deletes: Int
        package var kept: Int
        /// The names of its exports, without folders.
        package var exports: [String]
        /// The path of its report; nil where there is none.
        package var report: String?

        package init(
            run: String, job: String, command: String, state: String, started: Date, ended: Date?, exitStatus: Int?,
            verdict: String?, creates: Int, deletes: Int, kept: Int, exports: [String], report: String?
        ) {
            self.run = run
            self.job = job
            self.command = command
            self.state = state
            self.started = started
            self.ended = ended
            self.exitStatus = exitStatus
            self.verdict = verdict
            self.creates = creates
            self.deletes = deletes
            self.kept = kept
            self.exports = exports
            self.report = report
        }
    }
}
