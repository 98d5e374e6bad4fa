import Mustache

/// Escaping for HTML and SVG, by Unicode scalar.
///
/// Mustache's own escaping goes by grapheme and lets a quote pass that is followed by a combining mark.
struct Markup: MustacheContentType {
    static let contentType = "MARKUP"

    func escapeText(_ text: String) -> String { Self.escaped(text) }

    static func escaped(_ text: String) -> String { TerminalText.printable(text).replacing(entities) }

    private static let entities: [Unicode.Scalar: String] = [
        "<": "&lt;", ">": "&gt;", "&": "&amp;", "\"": "&quot;", "'": "&#39;",
    ]
}
