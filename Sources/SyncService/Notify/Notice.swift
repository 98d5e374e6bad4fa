import CartAssociations
package import Foundation

/// One message to people: what has begun and what is over since the last one.
package struct Notice: Sendable, Equatable {
    let version: String
    /// The address of the store.
    let store: String
    let time: Date
    var began: [Condition] = []
    var ended: [Condition] = []

    /// A message that says that messages arrive.
    package static func test(version: String, store: String, time: Date) -> Notice {
        var notice = Notice(version: version, store: store, time: time)
        notice.began = [
            Condition(key: "test", severity: .warning, text: "this is a test of cartsync notify test: nothing is wrong")
        ]
        return notice
    }

    /// A message that a unit of the service manager has failed.
    package static func failed(unit: String, version: String, store: String, time: Date) -> Notice {
        var notice = Notice(version: version, store: store, time: time)
        notice.began = [
            Condition(
                key: "unit \(unit)", severity: .critical, text: "\(unit) has failed; journalctl -u \(unit) says why")
        ]
        return notice
    }

    /// The message in a line.
    var title: String {
        let first = began.first.map(\.text) ?? ended.first.map { "over: \($0.text)" } ?? ""
        let more = began.count + ended.count - 1
        return "cartsync: \(first)" + (more > 0 ? " (and \(more) more)" : "")
    }

    /// The message in lines.
    var lines: [String] {
        began.map { "\($0.severity.rawValue): \($0.text)" } + ended.map { "over: \($0.text)" }
    }
}

/// A text as it may stand in a message: names of exports may have anything in them.
func plain(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: " "
                default: scalar
                }
            }))
}

// MARK: - What is sent

extension Notice {
    /// The bodies of the requests that a kind of receiver wants, in JSON.
    func bodies(for kind: WebReceiver.Kind) throws -> [Data] {
        switch kind {
        case .webhook: [try Self.encode(Webhook(self))]
        case .slack: [try Self.encode(["text": slackText])]
        case .teams: [try Self.encode(Teams(self))]
        case .pagerDuty(let key):
            try
                (began.map { PagerDuty($0, action: "trigger", self, key) }
                + ended.map { PagerDuty($0, action: "resolve", self, key) }).map(Self.encode)
        }
    }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(value)
    }

    /// In Slack's own marks, whose three special characters are escaped (api.slack.com, Formatting text).
    private var slackText: String {
        func escaped(_ text: String) -> String {
            plain(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        }
        let began = began.map {
            "\($0.severity == .critical ? ":red_circle:" : ":large_yellow_circle:") \(escaped($0.text))"
        }
        let ended = ended.map { ":large_green_circle: over: \(escaped($0.text))" }
        return (["*cartsync* for \(escaped(store))"] + began + ended).joined(separator: "\n")
    }

    /// The body for a receiver of one's own.
    private struct Webhook: Encodable {
        struct Item: Encodable {
            let key: String
            let severity: String
            let text: String

            init(_ condition: Condition) {
                key = plain(condition.key)
                severity = condition.severity.rawValue
                text = plain(condition.text)
            }
        }

        let service = "cartsync"
        let version: String
        let store: String
        let time: Date
        let title: String
        let began: [Item]
        let ended: [Item]

        init(_ notice: Notice) {
            version = notice.version
            store = notice.store
            time = notice.time
            title = plain(notice.title)
            began = notice.began.map(Item.init)
            ended = notice.ended.map(Item.init)
        }
    }

    /// An adaptive card, as the workflows of Teams take it.
    private struct Teams: Encodable {
        struct Block: Encodable {
            let type = "TextBlock"
            let text: String
            let wrap = true
            var weight: String?
            var color: String?
        }

        struct Card: Encodable {
            let type = "AdaptiveCard"
            let version = "1.4"
            let body: [Block]
        }

        struct Attachment: Encodable {
            let contentType = "application/vnd.microsoft.card.adaptive"
            let content: Card
        }

        let type = "message"
        let attachments: [Attachment]

        init(_ notice: Notice) {
            let head = Block(text: plain("cartsync for \(notice.store)"), weight: "Bolder")
            let began = notice.began.map {
                Block(text: plain($0.text), color: $0.severity == .critical ? "Attention" : "Warning")
            }
            let ended = notice.ended.map { Block(text: plain("over: \($0.text)"), color: "Good") }
            attachments = [Attachment(content: Card(body: [head] + began + ended))]
        }
    }

    /// An event of PagerDuty's Events API v2: one for each condition, with a key by which it is resolved.
    private struct PagerDuty: Encodable {
        struct Payload: Encodable {
            let summary: String
            let source: String
            let severity: String
            let component = "cartsync"
        }

        private enum CodingKeys: String, CodingKey {
            case routingKey = "routing_key"
            case action = "event_action"
            case deduplicationKey = "dedup_key"
            case payload
        }

        let routingKey: String
        let action: String
        let deduplicationKey: String
        let payload: Payload

        init(_ condition: Condition, action: String, _ notice: Notice, _ key: String) {
            routingKey = key
            self.action = action
            // At most 255 characters.
            deduplicationKey = String(plain("cartsync \(notice.store) \(condition.key)").suffix(255))
            payload = Payload(
                summary: String(plain(condition.text).prefix(1024)), source: notice.store,
                severity: condition.severity.rawValue)
        }
    }
}
