import CartAssociations
import Foundation
import Ledger
import SyncEngine
import Testing

@testable import SyncService

@Suite("What people are told of")
struct ConditionTests {
    private static func view(_ change: (inout ServiceView) -> Void) -> ServiceView {
        var view = ServiceView.quiet
        view.jobs = [ServiceView.Job(name: "nightly", source: "", exportsWaiting: 0, problems: [], notes: [])]
        change(&view)
        return view
    }

    private static func ended(_ status: CartAssociations.ExitStatus) -> RunsView.Run {
        var run = RunsView.Run.known
        (run.exitStatus, run.verdict, run.state) = (status, status.words, .recorded(.finished))
        return run
    }

    private static let waiting = ServiceView.Waiting(
        run: knownRun, job: "nightly", export: "fewer.csv", cause: .refused, since: .distantPast, records: 1,
        creates: 0, deletes: 9, reasons: ["9 deletes, more than 5"],
        owners: [.init(kind: .customer, owner: "customer-4711", deletes: 9)], canBeApproved: true,
        approvedUntil: nil, command: "cartsync runs approve \(knownRun)")

    static let cases: [(what: String, view: ServiceView, keys: [String])] = [
        ("nothing", view { _ in }, []),
        ("all done", view { $0.jobs[0].lastRun = ended(.done) }, []),
        (
            "a run failed", view { ($0.jobs[0].failedCount, $0.jobs[0].lastRun) = (1, ended(.exportRefused)) },
            ["job nightly: failed"]
        ),
        ("a guard waits", view { $0.waiting = [waiting] }, ["run \(knownRun): waits"]),
        (
            "an approved one is no longer told",
            view { view in
                view.waiting = [waiting]
                view.waiting[0].approvedUntil = .distantFuture
            }, []
        ),
        (
            "records were rejected, or some changes failed", view { $0.jobs[0].lastRun = ended(.incomplete) },
            ["job nightly: last run"]
        ),
        ("an objective was crossed", view { $0.jobs[0].lastRun = ended(.objectiveCrossed) }, ["job nightly: last run"]),
        (
            "a source is in trouble, a job is held, credentials are refused",
            view { $0.jobs[0].problems = ["the source cannot be read"] }, ["job nightly: cannot work"]
        ),
        (
            "a store that does not answer", view { $0.jobs[0].interrupted = ["a.csv is tried again: no answer"] },
            ["job nightly: interrupted"]
        ),
        ("a deadline was missed", view { $0.jobs[0].late = "had no success for 26 h" }, ["job nightly: late"]),
        ("the state folder is large", view { $0.warnings = ["the state folder has 11 GB"] }, ["state folder"]),
    ]

    @Test("each state that a person has to know is one condition, which names no owner", arguments: cases.indices)
    func conditions(index: Int) {
        let (what, view, keys) = Self.cases[index]
        let conditions = view.conditions()
        #expect(conditions.map(\.key) == keys, "\(what)")
        #expect(conditions.allSatisfy { !$0.text.contains("customer-4711") && !$0.text.hasSuffix(".") })
    }

    @Test("whatever people are told of, the page is not green for it")
    func page() {
        for one in Self.cases where !one.keys.isEmpty {
            #expect(one.view.lines().first?.tone != .good, "\(one.what)")
        }
    }
}
