import DequeModule

/// Stops a run when what goes wrong concerns every call and not one record.
///
/// A pure value, told how each call ended for good.
package struct StopRule: Sendable {
    /// How a call ended, as far as the rule cares.
    package enum CallEnd: Sendable, Equatable {
        case success
        /// The server refused one record; it is well otherwise.
        case refused
        /// The server forbade the call without naming the record.
        case forbidden
        /// Given up after its repetitions.
        case failed
        /// The server refused the credentials themselves.
        case credentialsRefused
    }

    package enum Reason: Sendable, Equatable {
        case credentialsRefused
        /// The first calls of the run were all forbidden.
        case forbidden(inARow: Int)
        case failures(inARow: Int)
        case mostFailed(Int, among: Int)
    }

    /// Forbidden answers in a row that stop a run which never had a success.
    static let forbiddenLimit = 5
    /// Failures in a row that stop a run.
    static let rowLimit = 20
    /// The calls that are looked back at; a run is stopped if half of them failed.
    static let lookBack = 50

    /// Changes in a row with an answer that is not the store's that stop a run.
    static let unknownLimit = 20

    /// Refusals of tokens that were just given that stop a run.
    static let tokenLimit = 10

    /// The calls whose fresh token was refused since the last success, and how often.
    private var refused = Set<String>()
    private var refusals = 0
    /// The changes that got an answer which is not the store's, since the last one that is.
    private var unknown = Set<String>()
    private var hadSuccess = false
    private var forbiddenRow = 0
    private var failedRow = 0
    private var recent = Deque<Bool>()
    private var recentFailures = 0

    package init() {}

    /// Takes note of a call's end; returns why the run should stop, if it should.
    package mutating func record(_ end: CallEnd) -> Reason? {
        let isFailure = end == .failed || end == .forbidden
        hadSuccess = hadSuccess || end == .success
        if end == .success || end == .refused { forgetRefusals() }
        forbiddenRow = end == .forbidden ? forbiddenRow + 1 : 0
        failedRow = isFailure ? failedRow + 1 : 0
        lookAt(isFailure)

        if end == .credentialsRefused { return .credentialsRefused }
        if !hadSuccess, forbiddenRow >= Self.forbiddenLimit { return .forbidden(inARow: forbiddenRow) }
        if failedRow >= Self.rowLimit { return .failures(inARow: failedRow) }
        if recent.count == Self.lookBack, recentFailures * 2 >= Self.lookBack {
            return .mostFailed(recentFailures, among: Self.lookBack)
        }
        return nil
    }

    /// Takes note that a token was refused right after it was given; returns whether that shows that the credentials are:
    /// ten calls in a row, or ten times in a row where no call has succeeded yet.
    ///
    /// - Parameter call: what makes the call another one.
    package mutating func recordRefusedToken(_ call: String) -> Bool {
        refused.insert(call)
        refusals += 1
        return refused.count >= Self.tokenLimit || (!hadSuccess && refusals >= Self.tokenLimit)
    }

    private mutating func forgetRefusals() {
        refused.removeAll()
        refusals = 0
    }

    /// Takes note of an answer that is not the store's; returns how many changes got one without one of the store's in
    /// between, if these are too many.
    ///
    /// - Parameter change: what makes the change another one.
    package mutating func recordUnknown(_ change: String) -> Int? {
        unknown.insert(change)
        return unknown.count >= Self.unknownLimit ? unknown.count : nil
    }

    /// Takes note of an answer to a change that is the store's own.
    package mutating func recordBelieved() {
        unknown.removeAll()
    }

    private mutating func lookAt(_ isFailure: Bool) {
        recent.append(isFailure)
        recentFailures += isFailure ? 1 : 0
        if recent.count > Self.lookBack, recent.removeFirst() { recentFailures -= 1 }
    }
}
