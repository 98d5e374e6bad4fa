package import Foundation

/// Where the status server gets what it shows, and whom it asks to approve and to stop.
package struct StatusSources: Sendable {
    package var health: @Sendable () -> ServiceHealth
    /// The metrics in Prometheus' text format.
    package var metrics: @Sendable () async throws -> String
    package var service: @Sendable () async throws -> ServiceView
    /// The runs before a run, or the newest ones; throws `StatusRefusal` where there is no such run.
    package var runs: @Sendable (_ limit: Int, _ before: String?) async throws -> RunsView
    /// What is known of one run; nil where there is none of this id.
    package var run: @Sendable (_ run: String) async throws -> RunsView.Run?
    /// A file of a run's report, `report.json` or `report.html`; nil where there is none.
    package var report: @Sendable (_ run: String, _ file: String) async throws -> Data?
    /// Approves a waiting run with at most so many deletes, or with exactly those of its plan, and says so in a
    /// sentence. Throws `StatusRefusal`.
    package var approve: @Sendable (_ run: String, _ maxDeletes: Int?) async throws -> String
    /// Asks the run that goes on to stop, and says so in a sentence. Throws `StatusRefusal`.
    package var stop: @Sendable (_ run: String) async throws -> String

    package init(
        health: @escaping @Sendable () -> ServiceHealth, metrics: @escaping @Sendable () async throws -> String,
        service: @escaping @Sendable () async throws -> ServiceView,
        runs: @escaping @Sendable (_ limit: Int, _ before: String?) async throws -> RunsView,
        run: @escaping @Sendable (_ run: String) async throws -> RunsView.Run?,
        report: @escaping @Sendable (_ run: String, _ file: String) async throws -> Data?,
        approve: @escaping @Sendable (_ run: String, _ maxDeletes: Int?) async throws -> String,
        stop: @escaping @Sendable (_ run: String) async throws -> String
    ) {
        self.health = health
        self.metrics = metrics
        self.service = service
        self.runs = runs
        self.run = run
        self.report = report
        self.approve = approve
        self.stop = stop
    }
}

/// Why a request is not done, for the one who asked.
package enum StatusRefusal: Error, Hashable, Sendable {
    /// There is nothing of that name.
    case unknown(String)
    /// What there is does not allow it now.
    case conflict(String)
}
