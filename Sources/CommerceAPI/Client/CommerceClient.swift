package import CallPacing
package import CartAssociations
import Foundation
package import Logging
import Synchronization

/// Makes calls to one store, each in the same way: paced, measured, judged, repeated.
///
/// What goes wrong with one change is a value (`ChangeOutcome`). What concerns every call is thrown as `APIError`, by
/// the call that finds out or by the next one, and by every later one. A stop ends all waits and lets the calls that
/// were sent finish; cancelling a task also gives up its call on the way, whose effect is then unknown.
package final class CommerceClient: Sendable {
    struct State {
        var budget = RetryBudget()
        var rule = StopRule()
        /// Calls on the wire now, and the connections that must be open: as many as there were calls at once.
        var inFlight = 0
        var connections = 0
        /// Callers that wait before a repetition while other changes could be made.
        var waiting = 0
        /// Why no further call is made; nil while calls are made.
        var standing: APIError?
        var sample = CallSample()
    }

    let options: APIOptions
    let transport: Transport
    let pacer: Pacer
    let retry: RetryPolicy
    let logger: Logger
    let observe: @Sendable (CallEvent) -> Void
    private let random: RandomSource
    let tokens: TokenKeeper
    let state = Mutex(State())
    private let signal: StopSignal

    /// The pacer's: what a call measures is compared with when the pacer had it due.
    var time: TimeSource { pacer.time }

    /// - Parameters:
    ///   - pacer: stands before every call of the process; all clients share it.
    ///   - tokens: those of earlier clients with the same options, if there were any.
    ///   - stop: stops this client too.
    ///   - random: draws the waits before repetitions.
    ///   - observe: told every attempt, call and repetition as it happens; it must return soon.
    package init(
        options: APIOptions, pacer: Pacer, tokens: TokenKeeper? = nil, retry: RetryPolicy = RetryPolicy(),
        stop: StopSignal? = nil, logger: Logger, random: RandomSource = .system,
        observe: @escaping @Sendable (CallEvent) -> Void = { _ in }
    ) {
        self.options = options
        self.transport = Transport(options, pacer.time)
        self.pacer = pacer
        self.retry = retry
        self.logger = logger
        self.random = random
        self.observe = observe
        self.tokens = tokens ?? TokenKeeper(pacer.time)
        signal = StopSignal(within: stop)
    }

    /// The calls that wait for their answer now.
    package var callsInFlight: Int { state.withLock(\.inFlight) }

    /// Lets the calls that were sent finish and starts no other; waits for the pacer and before repetitions end.
    package func stop() {
        refuseCalls(.stopped)
    }

    /// Stops because the time for the run is over.
    ///
    /// - Parameter words: that it is over, as the beginning of a sentence.
    package func stop(atDeadline words: String) {
        refuseCalls(APIError(.deadline, "\(words), so no further call is made; run again to go on"))
    }

    /// Why no further call is made; nil while calls are made.
    package var standingError: APIError? { state.withLock { $0.standing } ?? (signal.isStopped ? .stopped : nil) }

    /// Closes all connections. No call may be under way, and none may follow.
    package func shutdown() async throws {
        stop()
        await tokens.settle()
        try await transport.shutdown()
    }

    private func refuseCalls(_ error: APIError) {
        // The first reason stands.
        state.withLock { $0.standing = $0.standing ?? (signal.isStopped ? .stopped : error) }
        signal.stop()
    }
}

// MARK: - One call

/// A call that has ended for good, with what was measured of it.
struct EndedCall<Value: Sendable>: Sendable {
    /// What the answer says; nil if the call did not succeed.
    let value: Value?
    /// What the answer to an association call says about the change; nil if it says no.
    let change: ChangeAnswer?
    /// The first answer of an attempt that is not one of the store's; nil if all were.
    let doubted: Answer?
    let answer: AnswerClass
    let exchange: Exchange
    let attempts: Int
    let service: Duration
    let response: Duration
    /// Whether an attempt that did not succeed may have had its effect.
    let isEffectUncertain: Bool
    /// Whether it is to be made again after all others.
    let isPostponed: Bool
    /// Where it was made, for messages: the base URL with the path, without a query.
    let url: String
    /// Why it did not succeed; nil if it did.
    let sentence: String?
}

/// What a call has gone through so far.
private struct CallHistory {
    /// Requests sent.
    var sent = 0
    /// Requests sent that use up the policy's attempts.
    var counted = 0
    var firstDue: ContinuousClock.Instant?
    var firstSent: ContinuousClock.Instant?
    var paced: Duration = .zero
    var backoff: Duration = .zero
    /// The number of the token that the last attempt was refused with; nil if it was not.
    var refusedToken: Int?
    /// Attempts in a row that were refused because of their token, and as too many.
    var tokenRefusals = 0
    var refusals = 0
    var isEffectUncertain = false
    var doubted: Answer?

    /// Takes note of an attempt.
    mutating func note(
        _ judged: Classification, _ exchange: Exchange, _ admission: Admission, _ token: TokenKeeper.Token?,
        sentAt: ContinuousClock.Instant
    ) {
        sent += 1
        counted += judged.answer == .rateLimited ? 0 : 1
        refusals = judged.answer == .rateLimited ? refusals + 1 : 0
        tokenRefusals = judged.answer == .unauthorized && token != nil ? tokenRefusals + 1 : 0
        refusedToken = judged.answer == .unauthorized ? token?.number : nil
        firstDue = firstDue ?? admission.due
        firstSent = firstSent ?? sentAt
        paced += admission.granted - admission.asked
        if judged.answer == .unknown, case .answer(let answer) = exchange { doubted = doubted ?? answer }
        if judged.isRepeatable, exchange.mayHaveTakenEffect { isEffectUncertain = true }
    }
}

extension CommerceClient {
    /// Makes one call: waits for the pacer, sends, measures, judges and repeats, until it has ended for good.
    /// Step call of Tests/Model/protocol.pml.
    ///
    /// - Parameter decode: reads what the operation needs from a 2xx; returns nil if that is missing.
    /// - Throws: what concerns every call; `stopped` if the call was not sent, or not sent again.
    func perform<Value: Sendable>(
        _ request: APIRequest, decode: @Sendable (Answer) -> Value?
    ) async throws(APIError) -> EndedCall<Value> {
        guard !(options.readOnly && request.isWrite) else {
            throw APIError(.readOnly, "only reading is allowed (api.read-only), so nothing was written")
        }
        var history = CallHistory()
        while true {
            let (admission, token) = try await leave(request, history)
            let sentAt = time.now()
            let mayConnect = beginExchange()
            let (exchange, travel) = await transport.send(request, token: token?.text)
            endExchange(exchange)
            let answeredAt = time.now()

            let (judged, change, value) = judge(exchange, request, decode)
            pacer.complete(
                admission, sentAt: travel?.written ?? sentAt, answered: travel?.answerBegun ?? answeredAt,
                reception(judged.answer, exchange), isFresh: history.sent == 0 && request.round.isFresh,
                mayHaveConnected: mayConnect)
            if case .noAnswer(.cancelled) = exchange { throw .stopped }
            noteOutage(exchange, request, now: answeredAt)
            noteForm(judged.answer, exchange, request)
            state.withLock { $0.budget.callSent() }
            trace(request, judged.answer, exchange, resent: history.sent, took: answeredAt - sentAt, now: answeredAt)
            history.note(judged, exchange, admission, token, sentAt: sentAt)
            noteToken(history, exchange, request)
            observe(
                .attempt(
                    AttemptMeasure(
                        operation: request.operation, answer: judged.answer, status: exchange.status,
                        service: answeredAt - sentAt)))

            let next = next(request, judged, exchange, &history, now: answeredAt)
            if case .again(let wait, let holdsUp) = next {
                defer { if holdsUp { state.withLock { $0.waiting -= 1 } } }
                try await sleep(wait)
                history.backoff += time.now() - answeredAt
                continue
            }
            let sentence =
                judged.answer == .success ? nil : failureSentence(exchange, request, judged.answer)
            let response = answeredAt - (history.firstDue ?? answeredAt)
            if next == .ended {
                conclude(request, judged, exchange, sentence ?? "", history, response: response)
                // The change is not to blame, and is to be made once the credentials are right.
                if judged.answer == .unauthorized, let standing = standingError { throw standing }
            }
            return EndedCall(
                value: value, change: change, doubted: history.doubted, answer: judged.answer, exchange: exchange,
                attempts: history.sent, service: answeredAt - sentAt, response: response,
                isEffectUncertain: history.isEffectUncertain, isPostponed: next == .postponed,
                url: options.baseURL.text + request.path.prefix { $0 != "?" }, sentence: sentence)
        }
    }

    /// Waits until the call may go, with a token that is good at that moment.
    private func leave(
        _ request: APIRequest, _ history: CallHistory
    ) async throws(APIError) -> (Admission, TokenKeeper.Token?) {
        while true {
            try throwStanding()
            if request.operation != .token {
                _ = try await tokens.token(refused: history.refusedToken) { await self.issueToken() }
            }
            let admission = try await admit(request, isFirst: history.sent == 0)
            if request.operation == .token { return (admission, nil) }
            // It may have waited for long: in quiet hours, a pause or an outage.
            if let token = tokens.usable(refused: history.refusedToken) { return (admission, token) }
            pacer.giveBack(admission)
        }
    }

    /// How the pacer sees an answer. A sign-in page comes fast and says nothing about the rate; many of them stop the
    /// run by another rule.
    private func reception(_ answer: AnswerClass, _ exchange: Exchange) -> Reception {
        switch (answer, exchange) {
        case (_, .noAnswer), (.connection, _): .unanswered
        case (.rateLimited, _): .tooMany(retryAfter: retryAfter(exchange))
        case (.serverError, .answer(let answer)): .failed(status: answer.status)
        default: .answered
        }
    }

    /// What an answer means, and what it says about the change or holds for the operation.
    private func judge<Value: Sendable>(
        _ exchange: Exchange, _ request: APIRequest, _ decode: @Sendable (Answer) -> Value?
    ) -> (Classification, ChangeAnswer?, Value?) {
        var value: Value?
        var change: ChangeAnswer?
        if case .answer(let answer) = exchange {
            if (200..<300).contains(answer.status) { value = decode(answer) }
            if let write = request.write { change = ChangeAnswer(answer, to: write, options.settings) }
        }
        let judged = Classification(exchange, for: request.operation, isUnderstood: value != nil, change: change)
        return (judged, change, value)
    }

    /// Counts a call on the wire; returns whether a connection may have to be opened for it.
    private func beginExchange() -> Bool {
        state.withLock { state in
            state.inFlight += 1
            guard state.inFlight > state.connections else { return false }
            state.connections = state.inFlight
            return true
        }
    }

    /// Counts a call off the wire; without an answer its connection is gone.
    private func endExchange(_ exchange: Exchange) {
        state.withLock { state in
            state.inFlight -= 1
            if case .noAnswer = exchange { state.connections = max(state.inFlight, state.connections - 1) }
        }
    }

    /// What becomes of a call after an attempt.
    private enum Next: Equatable {
        /// - holdsUp: whether other changes could be made meanwhile.
        case again(after: Duration, holdsUp: Bool)
        case postponed
        case ended
    }

    private func next(
        _ request: APIRequest, _ judged: Classification, _ exchange: Exchange, _ history: inout CallHistory,
        now: ContinuousClock.Instant
    ) -> Next {
        // Tokens end, and the first refusal is no more than that.
        if judged.answer == .unauthorized, history.tokenRefusals == 1 { return .again(after: .zero, holdsUp: false) }
        let isTokenFault = judged.answer == .unauthorized && history.tokenRefusals > 1 && request.shopper == nil
        guard judged.isRepeatable || isTokenFault, request.repeatsUnknown || !exchange.mayHaveTakenEffect else {
            return .ended
        }
        let asked = retryAfter(exchange)
        let cause: RetryPolicy.Cause =
            judged.answer == .rateLimited
            ? .tooMany(refusals: history.refusals, isPaused: (asked ?? .zero) > .zero) : .fault(wait: asked)
        var policy = retry
        // A run whose tokens cannot be renewed for a while has nothing else to do.
        if request.operation == .token, tokens.hasIssued { policy.attempts = .max }
        var random = random
        let decision = policy.decide(
            cause, attemptsUsed: history.counted, elapsed: now - (history.firstSent ?? now), using: &random)
        let next = decided(decision, request, isTooMany: judged.answer == .rateLimited)
        guard next != .ended else { return .ended }
        let wait: Duration = if case .again(let wait, _) = next { wait } else { .zero }
        observe(.retry(request.operation, after: wait))
        logger.debug(
            next == .postponed ? "a change waits at the end of the line" : "a call is made again",
            metadata: [
                "operation": "\(request.operation.rawValue)", "answer": "\(judged.answer.rawValue)",
                "status": "\(exchange.status.map(String.init) ?? "none")", "attempt": "\(history.sent)",
                "wait": "\(wait)",
            ])
        return next
    }

    /// While first attempts are left, few repetitions are made at once: each holds up a caller that could make another
    /// change.
    private func decided(_ decision: RetryPolicy.Decision, _ request: APIRequest, isTooMany: Bool) -> Next {
        guard case .again(let wait) = decision else { return request.round.mayPostpone ? .postponed : .ended }
        guard request.round.mayPostpone, !isTooMany else { return .again(after: wait, holdsUp: false) }
        let isAtOnce = state.withLock { state in
            guard state.waiting < max(1, options.settings.concurrency / 8), state.budget.takeRepetition() else {
                return false
            }
            state.waiting += 1
            return true
        }
        return isAtOnce ? .again(after: wait, holdsUp: true) : .postponed
    }

    /// Why a call did not succeed; without any secret, in case the store sent one back.
    private func failureSentence(_ exchange: Exchange, _ request: APIRequest, _ answer: AnswerClass? = nil) -> String {
        let sentence = FailureSentence(
            exchange, for: request.operation, shopper: request.shopper?.kind, isUnknown: answer == .unknown
        ).text
        let secrets = options.secrets + tokens.recent + [request.shopper?.text].compactMap(\.self)
        return secrets.filter { $0.utf8.count >= 4 }.reduce(sentence) { text, secret in
            text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "(hidden)")
        }
    }

    private func retryAfter(_ exchange: Exchange) -> Duration? {
        guard case .answer(let answer) = exchange else { return nil }
        return RetryAfter.wait(answer.retryAfter, answerDate: answer.date, now: time.wall())
    }
}

// MARK: - Waits

extension CommerceClient {
    private func admit(_ request: APIRequest, isFirst: Bool) async throws(APIError) -> Admission {
        try throwStanding()
        let isQueued = isFirst && (request.operation == .create || request.operation == .delete)
        do {
            return try await pacer.admit(isQueued ? .queued : .fresh, until: signal)
        } catch {
            throw standingError ?? .stopped
        }
    }

    /// Waits; a stop ends the wait.
    ///
    /// - Throws: `APIError` if no further call is made.
    package func pause(for wait: Duration) async throws(APIError) {
        try throwStanding()
        try await sleep(wait)
    }

    private func sleep(_ wait: Duration) async throws(APIError) {
        guard wait > .zero else { return }
        do {
            try await signal.cancelling { [time] in try await time.sleep(for: wait) }
        } catch {
            throw standingError ?? .stopped
        }
    }

    private func throwStanding() throws(APIError) {
        if let standing = standingError { throw standing }
        if Task.isCancelled { throw .stopped }
    }
}

// MARK: - What concerns every call

extension CommerceClient {
    /// Ends all calls once an outage lasts longer than any one change may be tried: the run can go on later.
    private func noteOutage(_ exchange: Exchange, _ request: APIRequest, now: ContinuousClock.Instant) {
        guard let since = pacer.probingSince, now - since >= retry.total else { return }
        refuseCalls(
            APIError(
                .unavailable,
                "\(options.baseURL.host) has not answered well for \(retry.total.components.seconds) s, the last time: "
                    + "\(failureSentence(exchange, request)). Look at the store's status, then run again to go on"))
    }

    /// Ends all calls once many changes in a row were answered in a form that is not the store's: something else
    /// answers in its place.
    private func noteForm(_ answer: AnswerClass, _ exchange: Exchange, _ request: APIRequest) {
        guard let write = request.write else { return }
        let row: Int? = state.withLock { state in
            if answer == .unknown { return state.rule.recordUnknown(String(describing: write)) }
            if case .answer(let own) = exchange, answer == .success || VendorErrors.areDocumented(own.body) {
                state.rule.recordBelieved()
            }
            return nil
        }
        guard let row else { return }
        refuseCalls(
            APIError(
                .unavailable,
                "this is not the store: \(row) changes in a row got an answer that is not one of the store's, the last "
                    + "one: \(failureSentence(exchange, request, answer)). A proxy or a sign-in page may answer in the "
                    + "place of \(options.baseURL.host), or api.base-url may be wrong; correct that, then run again to go on"
            ))
    }

    /// Ends all calls once fresh tokens are refused again and again.
    private func noteToken(_ history: CallHistory, _ exchange: Exchange, _ request: APIRequest) {
        guard history.tokenRefusals > 1, request.shopper == nil else { return }
        let call = "\(request.method.rawValue) \(request.path) \(request.write.map { "\($0)" } ?? "")"
        guard state.withLock({ $0.rule.recordRefusedToken(call) }) else { return }
        refuseCalls(credentialsRefused(failureSentence(exchange, request)))
    }

    /// Notes how a call ended for good, and ends all calls if that concerns every one.
    private func conclude(
        _ request: APIRequest, _ judged: Classification, _ exchange: Exchange, _ sentence: String,
        _ history: CallHistory, response: Duration
    ) {
        observe(
            .finished(
                CallMeasure(
                    operation: request.operation, answer: judged.answer, response: response, paced: history.paced,
                    backoff: history.backoff, attempts: history.sent)))
        // What became of it is found out later; until then it says nothing about the store.
        if !request.repeatsUnknown, judged.isRepeatable, exchange.mayHaveTakenEffect { return }
        noteEnd(judged.answer, request, sentence)
    }

    /// A token that was issued or what was only read says nothing about the right to write: it is no success here.
    private func noteEnd(_ answer: AnswerClass, _ request: APIRequest, _ sentence: String) {
        if answer == .success, request.operation == .token || !request.isWrite { return }
        guard let reason = state.withLock({ $0.rule.record(end(answer, request)) }) else { return }
        let host = options.baseURL.host
        let isAboutShopper = request.shopper != nil && [.unauthorized, .forbidden].contains(answer)
        switch reason {
        case .credentialsRefused: refuseCalls(credentialsRefused(sentence))
        case .forbidden(let row):
            refuseCalls(
                APIError(
                    .forbidden,
                    "\(host) forbids every call, \(row) so far: \(sentence). Use an application key that may manage "
                        + "carts"))
        case .failures where isAboutShopper, .mostFailed where isAboutShopper:
            refuseCalls(
                APIError(
                    .credentialsRefused,
                    "\(host) refuses one shopper's token after the other, the last one: \(sentence). Have the export "
                        + "written again with fresh tokens, then run again to go on"))
        case .failures(let row):
            refuseCalls(
                APIError(
                    .unavailable,
                    "\(row) calls in a row failed, the last one: \(sentence). Look at the store's status, then run "
                        + "again to go on"))
        case .mostFailed(let count, let among):
            refuseCalls(
                APIError(
                    .unavailable,
                    "\(count) of the last \(among) calls failed, the last one: \(sentence). Look at the store's "
                        + "status, then run again to go on"))
        }
    }

    private func credentialsRefused(_ sentence: String) -> APIError {
        APIError(
            .credentialsRefused,
            "\(options.baseURL.host) refuses the credentials: \(sentence). Check EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, "
                + "and that they belong to this region's store")
    }

    private func end(_ answer: AnswerClass, _ request: APIRequest) -> StopRule.CallEnd {
        switch answer {
        case .success: return .success
        // The access token was renewed before: the shopper's own is invalid, and others may be valid.
        case .unauthorized where request.shopper != nil, .forbidden where request.shopper != nil: return .failed
        case .unauthorized: return request.operation == .token ? .credentialsRefused : .failed
        case .refused, .forbidden:
            if request.operation == .token { return .credentialsRefused }
            return answer == .forbidden ? .forbidden : .refused
        case .rateLimited, .serverError, .connection, .unknown: return .failed
        }
    }

    /// The error of a call that everything after it depends on.
    func failure<Value>(of call: EndedCall<Value>, _ what: String) -> APIError {
        if let standing = standingError, standing.kind != .stopped { return standing }
        let sentence = call.sentence ?? "the answer cannot be used"
        let attempts = call.attempts == 1 ? "" : " after \(call.attempts) attempts"
        switch call.answer {
        case .unauthorized where call.attempts > 1: return credentialsRefused(sentence)
        case .unauthorized, .success, .rateLimited, .serverError, .connection, .unknown:
            let isOtherForm = call.exchange.status.map { (200..<300).contains($0) } ?? false
            let advice =
                isOtherForm
                ? "A proxy or a sign-in page may answer in the place of the store, or api.base-url may be wrong; correct "
                    + "that, then run again"
                : "Check the base URL, the network and the store's status, then run again"
            return APIError(
                .unavailable, "\(what) at \(call.url) failed\(attempts): \(sentence). \(advice)")
        case .forbidden:
            return APIError(
                .forbidden,
                "\(what) at \(call.url) is forbidden: \(sentence). Use an application key that may manage carts")
        case .refused:
            return APIError(
                .refused,
                "\(what) at \(call.url) was refused: \(sentence). Check the base URL and the settings")
        }
    }
}
