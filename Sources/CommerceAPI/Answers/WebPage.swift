/// A web page (HTML) that came in the place of an answer: a sign-in page, a proxy's or a gateway's.
struct WebPage: Sendable, Equatable {
    /// What stands between `<title>` and `</title>`, on one line; nil if that is nothing.
    let title: String?

    /// Nil if the body does not begin as a page does.
    init?(_ body: [UInt8]) {
        let start = String(decoding: body.prefix(4096), as: UTF8.self)
        let text = start.lowercased().drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        guard ["<!doctype html", "<html", "<head", "<title"].contains(where: { text.hasPrefix($0) }) else { return nil }
        title = Self.title(in: start)
    }

    /// For a message: that it is one, with its title.
    var words: String { "a web page (HTML)" + (title.map { " with the title \"\($0)\"" } ?? "") }

    private static func title(in text: String) -> String? {
        guard let found = text.firstMatch(of: /<title[^>]*>([^<]*)/.ignoresCase()) else { return nil }
        let title = String(found.1).printable(limit: 100)
        return title.isEmpty ? nil : title
    }
}
