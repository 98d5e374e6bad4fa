import CartAssociations
import Foundation

/// A mail server, as `smtp://HOST:PORT` (TLS by STARTTLS, port 587) or `smtps://HOST:PORT` (TLS from the start, port 465).
package struct MailServer: Sendable, Hashable {
    let host: String
    let port: Int
    /// Whether TLS is spoken from the start.
    let isEncrypted: Bool

    /// Nil for any other text.
    package init?(_ text: String) {
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty,
            ["smtp", "smtps"].contains(parts.scheme), ["", "/"].contains(parts.path), parts.user == nil,
            parts.query == nil, parts.fragment == nil
        else { return nil }
        self.host = host.trimmingCharacters(in: ["[", "]"])
        isEncrypted = parts.scheme == "smtps"
        port = parts.port ?? (isEncrypted ? 465 : 587)
    }

    /// Whether it is this machine, whose messages no network sees.
    var isLoopback: Bool { HostName(host.contains(":") ? "[\(host)]" : host)?.isLoopback == true }
}

/// People who get messages by mail.
package struct MailReceiver: Sendable {
    let server: MailServer
    /// Nil if the server asks for no login.
    let login: (user: String, password: String)?
    /// The PEM file of the authorities that may sign the server's certificate; nil for the system's.
    let authorities: String?
    let from: String
    let to: [String]

    package init(
        server: MailServer, login: (user: String, password: String)?, authorities: String?, from: String, to: [String]
    ) {
        self.server = server
        self.login = login
        self.authorities = authorities
        self.from = from
        self.to = to
    }

    /// Whether a text is the address of a mailbox that can stand in a command: no blanks, no brackets, ASCII.
    package static func isAddress(_ text: String) -> Bool {
        text.wholeMatch(of: #/[!-;=?A-~]{1,200}@[A-Za-z0-9.\[\]:-]{1,200}/#) != nil
    }

    func send(_ notice: Notice) async throws(NoticeError) {
        try await MailConversation.send(MailMessage(notice, from: from, to: to), by: self)
    }
}

/// A message by mail (RFC 5322), in UTF-8.
struct MailMessage: Sendable, Equatable {
    /// With CR LF after each line; none begins with a period.
    let text: String

    init(_ notice: Notice, from: String, to: [String]) {
        let time = notice.time.formatted(.iso8601)
        let lines = ["cartsync \(notice.version) for the store \(notice.store), \(time)", ""] + notice.lines
        let head = [
            "From: \(from)", "To: \(to.joined(separator: ", "))", "Subject: \(Self.word(plain(notice.title)))",
            "Date: \(Self.date(notice.time))", "Message-ID: <\(UUID().uuidString)@\(Self.domain(from))>",
            // Nobody is away to it.
            "Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64", "",
        ]
        let body = Data(lines.map(plain).joined(separator: "\r\n").utf8).base64EncodedString(
            options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
        text = (head + [body, ""]).joined(separator: "\r\n")
    }

    private static func domain(_ address: String) -> String {
        address.split(separator: "@").last.map(String.init) ?? "localhost"
    }

    /// A text as words of a header that have at most 75 characters each (RFC 2047).
    private static func word(_ text: String) -> String {
        var words: [String] = []
        var part = ""
        for character in text {
            if part.utf8.count + character.utf8.count > 42 {
                words.append(part)
                part = ""
            }
            part.append(character)
        }
        words.append(part)
        return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    private static func date(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
        return formatter.string(from: date)
    }
}
