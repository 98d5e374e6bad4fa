import Foundation

/// What the status server shows, and whom it asks to approve and to stop.
protocol StatusSource: Sendable {
    func health() -> ServiceHealth

    /// The metrics in Prometheus' text format.
    func metrics() -> String

    func service() -> ServiceView

    /// The runs before a run, or the newest ones. Throws `StatusRefusal` if there is no such run.
    func runs(limit: Int, before: String?) throws -> RunsView

    /// What is known of one run; nil if there is no run of this id.
    func run(_ run: String) throws -> RunsView.Run?

    /// A file of a run's report, `report.json` or `report.html`; nil if there is none.
    func report(_ run: String, _ file: String) -> Data?

    /// Approves a waiting run with at most so many deletes, or with exactly those of its plan, and says so in a
    /// sentence. Throws `StatusRefusal`.
    func approve(_ run: String, maxDeletes: Int?) throws -> String

    /// Asks the run at hand to stop, and says so in a sentence. Throws `StatusRefusal`.
    func stop(_ run: String) throws -> String
}

/// Why a request is not done, for the one who asked.
enum StatusRefusal: Error, Hashable, Sendable {
    /// There is nothing of that name.
    case unknown(String)
    /// What there is does not allow it now.
    case conflict(String)
}
