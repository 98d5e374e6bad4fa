import Foundation

/// A request that reaches a sandbox without HTTP, and its answer: for a simulation whose network is its own.
package struct SandboxExchange: Sendable {
    package let status: Int
    package let headers: [String: String]
    package let body: [UInt8]
}

extension Sandbox {
    /// Answers a request at once, by the sandbox's clock; with a rate limit, as one of its calls.
    ///
    /// Injected faults and latencies are for HTTP: a simulation has its own.
    ///
    /// - Parameters:
    ///   - target: the path with its query.
    ///   - headers: by their usual names.
    package func answer(
        _ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = []
    ) -> SandboxExchange {
        let parts = target.split(separator: "?", maxSplits: 1)
        let route = Route(method: method, path: parts.first.map(String.init) ?? "/")
        let reply: Reply
        if case .control(let page, let method) = route {
            reply = state.control(page, method: method, body: body)
        } else {
            var call = SandboxState.Handling(operation: route.operation, cart: route.cart)
            let arrival = state.arrive(route.operation, cart: route.cart, at: state.now())
            defer { state.finish(call) }
            if arrival.isAdmitted {
                let credentials = RequestCredentials(
                    authorization: headers["Authorization"],
                    customerToken: headers[SandboxOwnerKind.customer.tokenHeader],
                    accountToken: headers[SandboxOwnerKind.account.tokenHeader])
                reply = state.perform(
                    route, credentials: credentials, query: parts.count > 1 ? String(parts[1]) : nil,
                    contentType: headers["Content-Type"], body: body, call: &call)
            } else {
                reply = state.rateLimited()
                call.status = 429
            }
        }
        var names = Dictionary(reply.headers) { first, _ in first }
        if reply.status != 204 { names["Content-Type"] = reply.contentType }
        return SandboxExchange(status: reply.status, headers: names, body: reply.body)
    }

    /// From the next request on, no access token is good that was given out before.
    package func revokeTokens() { state.revokeTokens() }
}
