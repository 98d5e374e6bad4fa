/// A web page where an export should be, told from the beginning of its text.
struct WebPage {
    /// Its title, short and on one line; nil without one.
    let title: String?

    // Each use of a literal parses it anew; it holds nothing that changes. A declaration of XML and comments may stand before
    // the first tag.
    private static nonisolated(unsafe) let start =
        #/\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*(?i:<!doctype\s+html\b|<html[\s>])/#.dotMatchesNewlines()

    /// nil if the text begins as no web page does.
    init?(_ text: some Sequence<UInt8>) {
        let page = String(decoding: Array(text), as: UTF8.self)
        guard unsafe page.prefixMatch(of: Self.start) != nil else { return nil }
        let found = page.firstMatch(of: #/(?i:<title[^>]*>)([^<]*)</#)
        let words = found.map { $0.1.split { $0.isWhitespace }.joined(separator: " ") } ?? ""
        let plain = words.unicodeScalars.filter { $0.properties.generalCategory != .control }
        let short = String(String.UnicodeScalarView(plain)).prefix(80)
        title = short.isEmpty ? nil : String(short)
    }
}
