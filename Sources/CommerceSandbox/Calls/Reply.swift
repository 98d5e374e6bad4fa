/// What the sandbox answers to one request.
struct Reply: Sendable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var contentType = "application/json"
    /// The request could not be understood.
    var malformed = false

    static func json(_ status: Int, _ build: (inout JSONText) -> Void) -> Reply {
        Reply(status: status, body: JSONText(build).bytes)
    }

    static func noContent() -> Reply { Reply(status: 204) }
}

/// One element of `errors`.
struct ErrorItem {
    /// The vendor is not consistent here: a number, a string, or no member at all.
    enum Status {
        case number(Int)
        case text(Int)
        case absent
    }

    var status: Status
    var title: String
    var detail: String?
    var source: String?
    /// `meta.value`.
    var value: JSONValue?

    func write(to text: inout JSONText) {
        text.raw("{")
        switch status {
        case .number(let number): text.member("status", number)
        case .text(let number): text.member("status", String(number))
        case .absent: break
        }
        if let source { text.member("source", source) }
        text.member("title", title)
        if let detail { text.member("detail", detail) }
        if let value {
            text.key("meta")
            text.raw("{")
            text.member("value", value)
            text.raw("}")
        }
        text.raw("}")
    }
}

extension Reply {
    /// `{"errors":[...]}` with one element.
    static func error(_ status: Int, _ item: ErrorItem) -> Reply {
        json(status) { text in
            text.raw(#"{"errors":["#)
            item.write(to: &text)
            text.raw("]}")
        }
    }

    /// An error whose `status` is the number of the HTTP status.
    static func error(_ status: Int, _ title: String, _ detail: String? = nil) -> Reply {
        error(status, ErrorItem(status: .number(status), title: title, detail: detail))
    }

    /// The same answer, counted as a request that could not be understood.
    func asMalformed() -> Reply {
        var answer = self
        answer.malformed = true
        return answer
    }
}
