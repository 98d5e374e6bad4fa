import Foundation

/// What one receiver was told, and what it is to be told next. It does no I/O.
struct NoticeMemory: Codable, Sendable, Equatable {
    /// How long what has changed is gathered, so that what comes at once is one message, in seconds.
    static let gathering: Double = 5
    /// The waits after messages that did not arrive, in seconds.
    static let firstWait: Double = 10
    static let longestWait: Double = 600

    /// What the receiver knows of, by key.
    private(set) var told: [String: Condition] = [:]
    /// Since when a condition is there that the receiver was not told of, in seconds.
    private var since: [String: Double] = [:]
    /// Since when there is something to tell.
    private var changedSince: Double?
    private var failures = 0
    private var nextAttempt: Double = 0

    private enum CodingKeys: String, CodingKey { case told }

    init() {}

    init(from decoder: any Decoder) throws {
        told = try decoder.container(keyedBy: CodingKeys.self).decode([String: Condition].self, forKey: .told)
    }

    /// What has begun and what is over, as far as it is time to tell; nil if there is nothing to be told now.
    ///
    /// - Parameters:
    ///   - now: in seconds, from any beginning.
    ///   - isLast: whether there is no later moment to wait for.
    mutating func due(
        _ conditions: [Condition], now: Double, isLast: Bool = false
    ) -> (began: [Condition], ended: [Condition])? {
        let there = Dictionary(conditions.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        since = since.filter { there[$0.key] != nil }
        for key in there.keys where since[key] == nil { since[key] = now }
        let began = conditions.filter { condition in
            if let known = told[condition.key] { return known.identity != condition.identity }
            return now - (since[condition.key] ?? now) >= condition.patience
        }
        let ended = told.values.filter { there[$0.key] == nil }.sorted { $0.key < $1.key }
        guard !began.isEmpty || !ended.isEmpty else {
            changedSince = nil
            return nil
        }
        let changed = changedSince ?? now
        changedSince = changed
        guard isLast || (now - changed >= Self.gathering && now >= nextAttempt) else { return nil }
        return (began, ended)
    }

    /// The message has arrived.
    mutating func arrived(_ began: [Condition], _ ended: [Condition]) {
        for condition in ended { told[condition.key] = nil }
        for condition in began { told[condition.key] = condition }
        (changedSince, failures, nextAttempt) = (nil, 0, 0)
    }

    /// The message has not arrived. Returns how long nothing is tried, in seconds.
    mutating func failed(now: Double) -> Double {
        failures += 1
        let wait = min(Self.longestWait, Self.firstWait * pow(2, Double(min(failures - 1, 10))))
        nextAttempt = now + wait
        return wait
    }
}
