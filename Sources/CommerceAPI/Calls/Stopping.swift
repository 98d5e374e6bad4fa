import CallPacing
import CartAssociations
import Synchronization

extension CommerceClient {
    /// Takes note of how a call ended, and makes no further one where that concerns every call.
    ///
    /// That a token was issued or a page read says nothing about the right to write, so it does not count as a success.
    func conclude(_ answer: AnswerClass, _ request: APIRequest, _ sentence: String) {
        if answer == .success, request.operation == .token || request.operation == .list { return }
        guard let reason = state.withLock({ $0.rule.record(ending(answer, request)) }) else { return }
        let host = options.baseURL.host
        let isAboutShopper = request.shopper != nil && [.unauthorized, .forbidden].contains(answer)
        switch reason {
        case .credentialsRefused:
            refuseCalls(
                APIError(
                    .credentialsRefused,
                    "\(host) refuses the credentials: \(sentence). Check EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, "
                        + "and that they belong to this region's store"))
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

    private func ending(_ answer: AnswerClass, _ request: APIRequest) -> StopRule.Ending {
        switch answer {
        case .success: return .success
        // The access token was renewed before, so that it is the shopper's own that is not good: others may be.
        case .unauthorized where request.shopper != nil, .forbidden where request.shopper != nil: return .failed
        case .unauthorized: return .credentialsRefused
        case .refused, .forbidden:
            if request.operation == .token { return .credentialsRefused }
            return answer == .forbidden ? .forbidden : .refused
        case .rateLimited, .serverError, .connection: return .failed
        }
    }

    /// The error of a call that everything after it depends on.
    func failure<Value>(of ending: CallEnding<Value>, _ what: String) -> APIError {
        if let standing = standingError, standing.kind != .stopped { return standing }
        let sentence = ending.sentence ?? "the answer cannot be used"
        let attempts = ending.attempts == 1 ? "" : " after \(ending.attempts) attempts"
        switch ending.answer {
        case .unauthorized, .success, .rateLimited, .serverError, .connection:
            return APIError(
                .unavailable,
                "\(what) at \(options.baseURL.host) failed\(attempts): \(sentence). Check the base URL, the "
                    + "network and the store's status, then run again")
        case .forbidden:
            return APIError(
                .forbidden,
                "\(what) at \(options.baseURL.host) is forbidden: \(sentence). Use an application key that may "
                    + "manage carts")
        case .refused:
            return APIError(
                .refused,
                "\(what) at \(options.baseURL.host) was refused: \(sentence). Check the base URL and the "
                    + "settings")
        }
    }
}
