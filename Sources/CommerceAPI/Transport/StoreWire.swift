/// What carries requests to a store in the place of HTTP: a simulation has its store behind it, in this process.
///
/// Everything above it is the same: pace, tokens, measures, classes of answers, repetitions.
package struct StoreWire: Sendable {
    /// A request as it would be on the wire.
    package struct Request: Sendable {
        package let method: String
        /// The path below the base URL with its query, beginning with a slash.
        package let target: String
        package let headers: [String: String]
        package let body: [UInt8]
    }

    /// What comes of sending a request once.
    package enum Reply: Sendable {
        /// - Parameter isWhole: whether the body came to its end before the connection did.
        case answer(status: Int, headers: [String: String], body: [UInt8], isWhole: Bool)
        /// The store has not seen the request.
        case noConnection
        /// The connection ended without an answer; the store may have done what it was asked.
        case lost
        /// The deadline of a call passed without an answer; the store may have done what it was asked.
        case silence
    }

    let send: @Sendable (Request) async -> Reply

    package init(_ send: @escaping @Sendable (Request) async -> Reply) { self.send = send }
}

extension StoreWire {
    /// Sends a request once.
    func exchange(_ request: APIRequest, token: String?, _ options: APIOptions) async -> Exchange {
        var headers: [String: String] = [:]
        for header in options.headers { headers[header.name] = header.value }
        if let token { headers["Authorization"] = "Bearer \(token)" }
        if let shopper = request.shopper { headers[shopper.header] = shopper.text }
        headers["Content-Type"] = request.contentType
        let reply = await send(
            Request(method: request.method.rawValue, target: request.path, headers: headers, body: request.body))
        switch reply {
        case .noConnection: return .noAnswer(.cannotConnect("no connection"))
        case .lost: return .noAnswer(Task.isCancelled ? .cancelled : .lost("the store closed it"))
        case .silence: return .noAnswer(.timeout(options.callDeadline))
        case .answer(let status, let headers, let body, let isWhole):
            if body.count > request.answerLimit { return .noAnswer(.tooLarge(request.answerLimit)) }
            var answer = Answer(status: status, body: body)
            if !isWhole { answer.bodyFault = .lost("the store closed it") }
            for (name, value) in headers { answer.take(header: name, value) }
            return .answer(answer)
        }
    }
}
