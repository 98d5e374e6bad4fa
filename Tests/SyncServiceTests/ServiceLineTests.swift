import CartAssociations
import Foundation
import Ledger
import SyncEngine
import Testing

@testable import SyncService

@Suite("What a person is to know of a service")
struct ServiceLineTests {
    private static func job(_ change: (inout ServiceView.Job) -> Void = { _ in }) -> ServiceView.Job {
        var job = ServiceView.Job(
            name: "nightly", source: "folder /in", nextPollSeconds: 3, exportsWaiting: 0, problems: [], notes: [])
        change(&job)
        return job
    }

    private static func lying(_ names: String...) -> [ServiceView.Lying] {
        names.map { ServiceView.Lying(name: $0, since: .distantPast, reason: nil, file: "/in/failed/\($0)") }
    }

    private static func ended(_ status: CartAssociations.ExitStatus, _ verdict: String) -> RunsView.Run {
        var run = RunsView.Run.known
        (run.exitStatus, run.verdict, run.state) = (status, verdict, .recorded(.finished))
        return run
    }

    private static func view(_ change: (inout ServiceView) -> Void) -> ServiceView {
        var view = ServiceView.quiet
        view.jobs = [job()]
        change(&view)
        return view
    }

    private static let waiting = ServiceView.Waiting(
        run: knownRun, job: "nightly", export: "fewer.csv", cause: .refused, since: .distantPast, records: 1,
        creates: 0,
        deletes: 9, reasons: [], owners: [], canBeApproved: true, approvedUntil: nil, command: "")

    static let cases: [(what: String, view: ServiceView, lines: [String])] = [
        ("nothing has come yet", view { _ in }, ["good Idle: no export waits, and none was synced yet"]),
        ("the first look", view { $0.jobs[0].nextPollSeconds = nil }, ["good Looking for exports"]),
        ("an export is taken", view { $0.jobs[0].export = "a.csv" }, ["good Taking a.csv"]),
        (
            "nothing to do", view { $0.jobs[0].lastRun = ended(.done, "done") },
            ["good Idle: no export waits, the last run did all it had to"]
        ),
        (
            "nothing to do for two jobs",
            view {
                $0.jobs[0].lastRun = ended(.done, "done")
                $0.jobs += [job { ($0.name, $0.lastRun) = ("hourly", ended(.done, "done")) }]
            }, ["good Idle: no export waits, the last run of each job did all it had to"]
        ),
        (
            "one job of three is new, and a person declined the export of another",
            view {
                $0.jobs[0].lastRun = ended(.done, "done")
                $0.jobs += [job { ($0.name, $0.lastRun) = ("hourly", ended(.refused, "9 deletes")) }]
                $0.jobs += [job { $0.name = "weekly" }]
            },
            [
                "good Idle: no export waits, the last run of job hourly was refused, none was synced yet for job weekly"
            ]
        ),
        (
            "a run that a restored ledger made void",
            view {
                $0.jobs[0].lastRun = ended(.done, "")
                $0.jobs[0].lastRun?.exitStatus = nil
            }, ["good Idle: no export waits, the last run was not finished"]
        ),
        (
            "parts are missing for long",
            view {
                ($0.jobs[0].exportsWaiting, $0.jobs[0].overdue) = (1, ["a is not applied: part 2 is missing"])
            },
            ["warning a is not applied: part 2 is missing", "good 1 export seen, and not synced yet"]
        ),
        (
            "no success for too long",
            view {
                $0.jobs[0].lastRun = ended(.done, "done")
                $0.jobs[0].late = "had no success for 1 h: the last success ended at 2026-11-21T10:15:09Z"
            },
            ["bad The job had no success for 1 h: the last success ended at 2026-11-21T10:15:09Z"]
        ),
        ("a run", view { $0.run = ServiceView.running(done: 1).run }, ["good Syncing customers.csv"]),
        ("exports seen", view { $0.jobs[0].exportsWaiting = 2 }, ["good 2 exports seen, and not synced yet"]),
        (
            "four exports failed",
            view {
                $0.jobs[0].failedCount = 4
                $0.jobs[0].failed = lying("d.csv", "c.csv", "b.csv", "a.csv")
                $0.jobs[0].lastRun = ended(.exportRefused, "it is refused")
            },
            ["bad 4 exports failed: d.csv, c.csv, b.csv and 1 more"]
        ),
        (
            "some changes failed",
            view { $0.jobs[0].lastRun = ended(.incomplete, "91 of 498 made, 11 failed.") },
            ["warning The last run: 91 of 498 made, 11 failed"]
        ),
        (
            "a success after it", view { $0.jobs[0].lastRun = ended(.done, "498 changes made.") },
            ["good Idle: no export waits, the last run did all it had to"]
        ),
        (
            "a run waits", view { $0.waiting = [waiting] }, ["warning 1 run waits for a person"]
        ),
        (
            "an export waits that no run is known of, beside a run of another job",
            view {
                $0.waiting = [waiting]
                $0.jobs += [job { ($0.name, $0.waitingWithoutRun) = ("hourly", 2) }]
            },
            [
                "warning 1 run waits for a person",
                "warning 2 exports in waiting/ of job hourly that no run is known of",
            ]
        ),
        (
            "an inbox is away while another job runs",
            view {
                $0.jobs = [
                    job { $0.problems = ["the inbox cannot be read"] }, job { $0.name = "hourly" },
                ]
                $0.run = ServiceView.running(done: 1).run
            },
            ["bad Job nightly cannot work: the inbox cannot be read", "good Syncing customers.csv"]
        ),
        (
            "the store pauses a run",
            view {
                $0.run = ServiceView.running(done: 1).run
                $0.run?.pauseSeconds = 11.2
                $0.run?.reason = "answers 429"
            },
            ["warning No calls for 12 s: answers 429", "good Syncing customers.csv"]
        ),
        (
            "an unreachable store is told once",
            view {
                $0.jobs[0].interrupted = ["a.csv is tried again: the API is unavailable"]
                $0.jobs[0].lastRun = ended(.unavailable, "the API is unavailable")
            },
            ["warning a.csv is tried again: the API is unavailable"]
        ),
        (
            "everything at once",
            view {
                $0.jobs[0].problems = ["the store refuses the credentials"]
                $0.jobs[0].failedCount = 1
                $0.jobs[0].failed = lying("a.csv")
                $0.waiting = [waiting]
                $0.warnings = ["the state folder is large"]
            },
            [
                "bad The job cannot work: the store refuses the credentials", "bad 1 export failed: a.csv",
                "warning 1 run waits for a person", "warning the state folder is large",
            ]
        ),
    ]

    @Test("the headline is the worst of all there is", arguments: cases.indices)
    func lines(index: Int) {
        let (what, view, lines) = Self.cases[index]
        #expect(view.lines().map { "\($0.tone) \($0.text)" } == lines, "\(what)")
        #expect(view.withHeadline().headline == view.lines().first)
        #expect(view.withHeadline().also == Array(view.lines().dropFirst()))
    }

    @Test("it is good only if there is nothing to look at")
    func tones() {
        for one in Self.cases {
            let lines = one.view.lines()
            #expect(
                lines.map(\.tone.rawValue) == lines.map(\.tone.rawValue).sorted { order($0) < order($1) }, "\(one.what)"
            )
            #expect(!lines.isEmpty)
        }
    }

    private func order(_ tone: String) -> Int { ["bad", "warning", "good"].firstIndex(of: tone) ?? 3 }
}
