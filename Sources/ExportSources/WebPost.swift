package import CallPacing
package import Foundation

/// Sends small requests to receivers of messages: within seconds, without redirects.
package final class WebPost: Sendable {
    private static let limit = Duration.seconds(10)

    private let client: WebClient

    package init(time: TimeSource) { client = WebClient(WebOptions(), time: time) }

    /// Sends a text in JSON and returns the status of the answer.
    ///
    /// Throws `SourceError` if no answer comes.
    package func send(to address: WebAddress, json: Data) async throws(SourceError) -> Int {
        let answer = try await client.get(
            address.url, [("Content-Type", "application/json")], method: "POST", body: json,
            within: Self.limit)
        await answer.drain()
        return answer.status
    }

    /// Sends a text in JSON with headers, and returns the answer.
    ///
    /// Throws `SourceError` if no answer comes in time.
    ///
    /// - Parameter limit: how long it may take.
    package func send(
        to address: WebAddress, json: Data, headers: [(name: String, value: String)], within limit: Duration
    ) async throws(SourceError) -> PostAnswer {
        let answer = try await client.get(
            address.url, headers + [("Content-Type", "application/json")], method: "POST", body: json, within: limit)
        let (status, retryAfter) = (answer.status, answer.retryAfter)
        return PostAnswer(status: status, retryAfter: retryAfter, body: try await answer.text())
    }

    /// Asks for an address, with more words behind its path, and returns the status of the answer.
    ///
    /// Throws `SourceError` if no answer comes.
    package func ask(_ address: WebAddress, ending: String = "") async throws(SourceError) -> Int {
        guard var parts = URLComponents(string: address.url) else { return 0 }
        parts.path += ending
        let answer = try await client.get(parts.string ?? address.url, [], within: Self.limit)
        await answer.drain()
        return answer.status
    }

    /// Closes the connections.
    package func shutdown() async { await client.shutdown() }
}

/// What a receiver answered.
package struct PostAnswer: Sendable {
    package let status: Int
    /// How long it asks to be left alone; nil if it does not say.
    package let retryAfter: Duration?
    package let body: [UInt8]
}

extension WebAddress {
    /// The host alone: a path may be secret.
    package var host: String { URLComponents(string: url)?.host ?? "" }
}
