import CallPacing
import CartAssociations
import Foundation
import Logging
import Synchronization

/// How a call ended, with what was measured of it.
struct CallEnding<Value: Sendable>: Sendable {
    /// What the answer says; nil where the call did not succeed.
    let value: Value?
    let answer: AnswerClass
    let exchange: Exchange
    let attempts: Int
    let service: Duration
    let response: Duration
    /// Whether an attempt before the last one got no answer and may have had its effect.
    let isEffectUncertain: Bool
    /// Whether the last attempt may have had its effect, and the call was not to be repeated then.
    let isLeftUnknown: Bool
    /// Why it did not succeed; nil where it did.
    let sentence: String?
}

/// What a call has gone through so far.
private struct Progress {
    /// Requests sent.
    var sent = 0
    /// Those that use up the policy's attempts.
    var counted = 0
    var firstDue: ContinuousClock.Instant?
    var firstSent: ContinuousClock.Instant?
    var paced: Duration = .zero
    var backoff: Duration = .zero
    var refusedToken: Int?
    var isEffectUncertain = false
}

extension CommerceClient {
    /// Makes one call: waits for the pacer, sends, measures, judges and repeats, until it has ended for good.
    ///
    /// - Parameter decode: reads what the operation needs from a 2xx; nil where it is not there.
    /// - Throws: what concerns every call, or `stopped` where the call was not sent, or not sent again.
    func perform<Value: Sendable>(
        _ request: APIRequest, decode: @Sendable (Answer) -> Value?
    ) async throws(APIError) -> CallEnding<Value> {
        guard !(options.readOnly && request.isWrite) else {
            throw APIError(.readOnly, "only reading is allowed (api.read-only), so nothing was written")
        }
        var progress = Progress()
        while true {
            let token = try await token(for: request, refused: progress.refusedToken)
            let admission = try await admit(request, isFirst: progress.sent == 0)
            let sentAt = ContinuousClock.now
            let mayConnect = beginExchange()
            let (exchange, travel) = await transport.send(request, token: token?.text)
            endExchange(exchange)
            let answeredAt = ContinuousClock.now

            var value: Value?
            if case .answer(let answer) = exchange, (200..<300).contains(answer.status) { value = decode(answer) }
            let judged = Classification(
                exchange, for: request.operation, isUnderstood: value != nil, alreadyGone: options.alreadyGone)
            let isHealthy = judged.answer != .serverError && judged.answer != .connection
            pacer.complete(
                admission, sentAt: travel?.written ?? sentAt, answered: travel?.answerBegun ?? answeredAt,
                isAnswered: exchange.status != nil, isHealthy: isHealthy, mayHaveConnected: mayConnect)
            noteHealth(isHealthy, exchange, request, now: answeredAt)
            if case .noAnswer(.cancelled) = exchange { throw .stopped }
            if judged.answer == .rateLimited { pacer.tooMany(admission, retryAfter: retryAfter(exchange)) }
            state.withLock { $0.budget.callSent() }

            progress.sent += 1
            progress.counted += judged.answer == .rateLimited ? 0 : 1
            progress.firstDue = progress.firstDue ?? admission.due
            progress.firstSent = progress.firstSent ?? sentAt
            progress.paced += admission.granted - admission.asked
            observe(
                .attempt(
                    AttemptMeasure(
                        operation: request.operation, answer: judged.answer, status: exchange.status,
                        service: answeredAt - sentAt)))

            if let wait = repetition(request, judged, exchange, token, &progress, now: answeredAt) {
                try await pause(wait)
                progress.backoff += ContinuousClock.now - answeredAt
                continue
            }
            let response = answeredAt - (progress.firstDue ?? answeredAt)
            observe(
                .finished(
                    CallMeasure(
                        operation: request.operation, answer: judged.answer, response: response,
                        paced: progress.paced, backoff: progress.backoff, attempts: progress.sent)))
            let sentence = judged.answer == .success ? nil : failureSentence(exchange, request)
            let isLeftUnknown = !request.repeatsUnknown && judged.isRepeatable && exchange.mayHaveTakenEffect
            // What became of it is found out later; it says nothing about the store until then.
            if !isLeftUnknown { conclude(judged.answer, request, sentence ?? "") }
            // The change is not to blame, and is to be made once the credentials are right.
            if judged.answer == .unauthorized, let standing = standingError { throw standing }
            return CallEnding(
                value: value, answer: judged.answer, exchange: exchange, attempts: progress.sent,
                service: answeredAt - sentAt, response: response, isEffectUncertain: progress.isEffectUncertain,
                isLeftUnknown: isLeftUnknown, sentence: sentence)
        }
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

    /// Ends all calls where an outage lasts longer than any one change may be tried: the run can go on later.
    private func noteHealth(
        _ isHealthy: Bool, _ exchange: Exchange, _ request: APIRequest, now: ContinuousClock.Instant
    ) {
        let isOver = state.withLock { state in
            if isHealthy { state.outageSince = nil }
            return state.outageSince.map { now - $0 >= retry.total } ?? false
        }
        guard isOver else { return }
        refuseCalls(
            APIError(
                .unavailable,
                "\(options.baseURL.host) has not answered well for \(retry.total.components.seconds) s, the last time: "
                    + "\(failureSentence(exchange, request)). Look at the store's status, then run again to go on"))
    }

    /// How long to wait before the call is made again; nil where it has ended.
    private func repetition(
        _ request: APIRequest, _ judged: Classification, _ exchange: Exchange, _ token: TokenKeeper.Token?,
        _ progress: inout Progress, now: ContinuousClock.Instant
    ) -> Duration? {
        if judged.answer == .unauthorized, let token, progress.refusedToken == nil {
            progress.refusedToken = token.number
            return .zero
        }
        progress.refusedToken = nil
        guard judged.isRepeatable, request.repeatsUnknown || !exchange.mayHaveTakenEffect else { return nil }
        let cause: RetryPolicy.Cause = judged.answer == .rateLimited ? .tooMany : .fault(wait: retryAfter(exchange))
        var random = SystemRandomNumberGenerator()
        let decision = retry.decide(
            cause, attemptsUsed: progress.counted, elapsed: now - (progress.firstSent ?? now), using: &random)
        guard case .again(let wait) = decision else { return nil }

        if case .noAnswer(let fault) = exchange, fault.mayHaveTakenEffect { progress.isEffectUncertain = true }
        if judged.answer == .serverError { progress.isEffectUncertain = true }
        let isInBudget = state.withLock { state in
            let isInBudget = state.budget.takeRepetition()
            if !isInBudget { state.outageSince = state.outageSince ?? now }
            return isInBudget
        }
        if !isInBudget {
            pacer.beginProbing(
                reason: "more than a tenth of all calls are repetitions, so single calls probe the store")
        }
        observe(.retry(request.operation, after: wait))
        logger.debug(
            "a call is made again",
            metadata: [
                "operation": "\(request.operation.rawValue)", "answer": "\(judged.answer.rawValue)",
                "status": "\(exchange.status.map(String.init) ?? "none")", "attempt": "\(progress.sent)",
                "wait": "\(wait)",
            ])
        return wait
    }

    /// Without any secret, in case the store sent one back.
    private func failureSentence(_ exchange: Exchange, _ request: APIRequest) -> String {
        let sentence = FailureSentence(exchange, for: request.operation, shopper: request.shopper?.kind).text
        let secrets = state.withLock(\.secrets) + [request.shopper?.text].compactMap { $0 }
        return secrets.filter { $0.utf8.count >= 4 }.reduce(sentence) { text, secret in
            text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "(hidden)")
        }
    }

    private func token(for request: APIRequest, refused: Int?) async throws(APIError) -> TokenKeeper.Token? {
        try throwStanding()
        guard request.operation != .token else { return nil }
        return try await tokens.token(refused: refused) { await self.issueToken() }
    }

    private func admit(_ request: APIRequest, isFirst: Bool) async throws(APIError) -> Admission {
        try throwStanding()
        let isQueued = isFirst && (request.operation == .create || request.operation == .delete)
        do {
            return try await pacer.admit(isQueued ? .queued : .fresh, until: signal)
        } catch {
            throw standingError ?? .stopped
        }
    }

    /// Waits, for as long as calls are made at all.
    package func pause(for wait: Duration) async throws(APIError) {
        try throwStanding()
        try await pause(wait)
    }

    private func pause(_ wait: Duration) async throws(APIError) {
        guard wait > .zero else { return }
        do {
            try await signal.cancelling { try await Task.sleep(for: wait) }
        } catch {
            throw standingError ?? .stopped
        }
    }

    private func throwStanding() throws(APIError) {
        if let standing = standingError { throw standing }
        if Task.isCancelled { throw .stopped }
    }

    private func retryAfter(_ exchange: Exchange) -> Duration? {
        guard case .answer(let answer) = exchange else { return nil }
        return RetryAfter.wait(answer.retryAfter, answerDate: answer.date, now: Date())
    }
}
