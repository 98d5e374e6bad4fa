import CallPacing
import Logging
import Synchronization

/// Looks at the approval tokens that requests bring: who gives wrong ones waits ever longer before the next is looked
/// at, and the log says at most once a minute how many were wrong.
final class TokenGate: Sendable {
    enum Answer: Equatable {
        /// The request brings no token.
        case absent
        case right
        case wrong
        /// The address has to wait before a token of it is looked at, in whole seconds.
        case wait(seconds: Int)
    }

    /// So many wrong tokens of an address are mistakes of a person.
    static let mistakes = 3
    static let longestPause = Duration.seconds(60)
    /// After this long without a wrong token an address begins anew.
    static let memory = Duration.seconds(600)
    /// Addresses that are remembered; then those that were wrong the longest time ago are forgotten.
    static let mostAddresses = 1000
    static let logInterval = Duration.seconds(60)

    private struct State {
        var wrong: [String: (count: Int, last: ContinuousClock.Instant)] = [:]
        /// Wrong tokens since the last line of the log.
        var untold = 0
        var told: ContinuousClock.Instant?
    }

    private let token: ApprovalToken
    private let time: TimeSource
    private let log: Logger
    private let state = Mutex(State())

    init(_ token: ApprovalToken, time: TimeSource, log: Logger) {
        self.token = token
        self.time = time
        self.log = log
    }

    /// - Parameters:
    ///   - authorization: the header of the request, which is a token if it begins with `Bearer`.
    ///   - address: where the request comes from.
    func judge(_ authorization: String?, from address: String) -> Answer {
        guard let authorization, ApprovalToken.isOne(authorization) else { return .absent }
        let now = time.now()
        let isRight = token.isIn(authorization)
        return state.withLock { state in
            if let earlier = state.wrong[address] {
                let left = Self.pause(after: earlier.count) - (now - earlier.last)
                if left > .zero { return .wait(seconds: Int((left / .seconds(1)).rounded(.up))) }
            }
            guard !isRight else {
                state.wrong[address] = nil
                return .right
            }
            Self.forget(&state, now)
            state.wrong[address] = ((state.wrong[address]?.count ?? 0) + 1, now)
            state.untold += 1
            return .wrong
        }
    }

    /// Writes the line of the log if one is due; to be called now and then.
    func tell() {
        let now = time.now()
        let number: Int? = state.withLock { state in
            guard state.untold > 0, state.told.map({ now - $0 >= Self.logInterval }) ?? true else { return nil }
            defer { state.untold = 0 }
            state.told = now
            return state.untold
        }
        if let number { log.warning("wrong approval tokens", metadata: ["number": "\(number)"]) }
    }

    /// How many addresses are remembered.
    var remembered: Int { state.withLock { $0.wrong.count } }

    /// How long an address waits after so many wrong tokens.
    static func pause(after wrong: Int) -> Duration {
        guard wrong >= mistakes else { return .zero }
        return min(longestPause, .seconds(1 << min(wrong - mistakes, 6)))
    }

    private static func forget(_ state: inout State, _ now: ContinuousClock.Instant) {
        guard state.wrong.count >= mostAddresses else {
            state.wrong = state.wrong.filter { now - $0.value.last < memory }
            return
        }
        let recent = state.wrong.sorted { $0.value.last > $1.value.last }.prefix(mostAddresses / 2)
        state.wrong = Dictionary(uniqueKeysWithValues: recent.map { ($0.key, $0.value) })
    }
}
