package import CallPacing
package import ExportSources
import Foundation

/// Where messages go.
package enum Receiver: Sendable {
    case web(WebReceiver)
    case mail(MailReceiver)

    /// What it is, without what is secret in it.
    package var name: String {
        switch self {
        case .web(let receiver): receiver.name
        case .mail(let receiver): "mail to \(receiver.to.joined(separator: ", "))"
        }
    }

    /// Sends a message.
    ///
    /// Throws a `NoticeError` if it did not arrive.
    package func send(_ notice: Notice, time: TimeSource) async throws(NoticeError) {
        switch self {
        case .web(let receiver): try await receiver.send(notice, time: time)
        case .mail(let receiver): try await receiver.send(notice)
        }
    }
}

/// Why a message did not arrive, without what is secret in the address.
package struct NoticeError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A receiver of requests in JSON.
package struct WebReceiver: Sendable {
    package enum Kind: Sendable, Hashable {
        case webhook
        case slack
        case teams
        /// With the routing key of the integration.
        case pagerDuty(key: String)
    }

    /// Where PagerDuty takes events (developer.pagerduty.com, Events API v2).
    package static let pagerDuty = "https://events.pagerduty.com/v2/enqueue"

    let kind: Kind
    let address: WebAddress

    package init(_ kind: Kind, _ address: WebAddress) {
        self.kind = kind
        self.address = address
    }

    var name: String {
        let host = address.host
        return switch kind {
        case .webhook: "webhook at \(host)"
        case .slack: "Slack at \(host)"
        case .teams: "Teams at \(host)"
        case .pagerDuty: "PagerDuty at \(host)"
        }
    }

    func send(_ notice: Notice, time: TimeSource) async throws(NoticeError) {
        let bodies: [Data]
        do {
            bodies = try notice.bodies(for: kind)
        } catch {
            throw NoticeError("the message cannot be written: \(error)")
        }
        let post = WebPost(time: time)
        var problem: NoticeError?
        for body in bodies {
            do throws(SourceError) {
                let status = try await post.send(to: address, json: body)
                guard !(200..<300).contains(status) else { continue }
                problem = NoticeError("\(address.host) answered \(status)")
            } catch {
                // The words of the error may have the path, which is secret.
                problem = NoticeError("\(address.host) cannot be reached")
            }
            break
        }
        await post.shutdown()
        if let problem { throw problem }
    }
}
