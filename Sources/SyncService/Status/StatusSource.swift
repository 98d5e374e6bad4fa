import Foundation

/// What the status server shows, and whom it asks to approve and to stop.
protocol StatusSource: Sendable {
    func health() -> ServiceHealth

    /// The metrics in Prometheus' text format.
    func metrics() -> String

    /// - Parameter withOwners: whether owners have their ids; otherwise names that do not tell them.
    func service(withOwners: Bool) -> ServiceView

    /// The runs before a run, or the newest ones. Throws `StatusRefusal` if there is no such run.
    func runs(limit: Int, before: String?) throws -> RunsView

    /// What is known of one run; nil if there is no run of this id.
    func run(_ run: String) throws -> RunsView.Run?

    /// A run's report; nil if there is none.
    ///
    /// - Parameter withOwners: whether it is the report as it was written; otherwise it lacks the texts that may name owners.
    func report(_ run: String, _ form: ReportForm, withOwners: Bool) -> Data?

    /// Deletes of the plan of a run that waits or waited for a person. Throws `StatusRefusal` if there is no list of them.
    ///
    /// - Parameter withOwners: whether owners have their ids; otherwise names that do not tell them.
    func deletes(_ run: String, _ query: DeletesQuery, withOwners: Bool) throws -> DeletesView

    /// Declines a waiting run, and says so in a sentence. Throws `StatusRefusal`.
    func decline(_ run: String) throws -> String

    /// Approves a waiting run with at most so many deletes, or with exactly those of its plan, and says so in a
    /// sentence. Throws `StatusRefusal`.
    func approve(_ run: String, maxDeletes: Int?) throws -> String

    /// Asks the run at hand to stop, and says so in a sentence. Throws `StatusRefusal`.
    func stop(_ run: String) throws -> String
}

/// What a report is asked for as.
enum ReportForm: Sendable {
    case json
    case page
    /// The log of its latencies, which names no owner.
    case latencies
}

/// Why a request is not done, for the one who asked.
enum StatusRefusal: Error, Hashable, Sendable {
    /// There is nothing of that name.
    case unknown(String)
    /// What there is does not allow it now.
    case conflict(String)
}
