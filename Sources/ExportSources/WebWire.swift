/// What carries requests to a source in the place of HTTP: a simulation has its server behind it, in this process.
///
/// Everything above it is the same: conditions, parts, signatures, listings, what an answer means.
package struct WebWire: Sendable {
    /// A request as it would be on the wire.
    package struct Request: Sendable {
        package let method: String
        /// The whole address with its query.
        package let url: String
        /// By their names in lower case.
        package let headers: [String: String]
    }

    /// What comes of sending a request once.
    package enum Reply: Sendable {
        /// - Parameter isWhole: whether the body came to its end before the connection did.
        case answer(status: Int, headers: [String: String], body: [UInt8], isWhole: Bool)
        /// The server cannot be reached.
        case noConnection
    }

    let send: @Sendable (Request) async -> Reply

    package init(_ send: @escaping @Sendable (Request) async -> Reply) { self.send = send }
}
