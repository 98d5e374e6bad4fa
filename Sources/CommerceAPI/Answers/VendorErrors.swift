import CartAssociations
import Foundation

/// The errors in an answer's body, in any of the shapes that the vendor documents or was seen to send: `errors` as
/// an array or an object, one bare error, and the error of OAuth. `status` inside is a number, a text or absent, and
/// may differ from the HTTP status, so it is not read at all.
struct VendorErrors: Sendable, Equatable {
    struct Item: Sendable, Equatable {
        var title: String?
        var detail: String?
        var requestID: String?
    }

    /// Empty if the body has no errors or is not JSON.
    let items: [Item]

    init(_ body: [UInt8]) {
        let document = try? JSONDecoder().decode(Document.self, from: Data(body))
        items = (document?.items ?? []).filter { $0 != Item() }
    }

    /// Whether a title or a detail holds one of the texts, which are in lower case.
    func mention(_ texts: [String]) -> Bool {
        items.contains { item in
            let words = "\(item.title ?? "") \(item.detail ?? "")".lowercased()
            return texts.contains { words.contains($0) }
        }
    }

    /// The most errors of an answer that are told, and the most bytes of what is told.
    static let mostErrors = 5
    static let mostBytes = 1024

    /// The vendor's words: title and detail of each error, the same words once; of many errors the first, and their number.
    var words: String? {
        var seen: [String] = []
        var more = 0
        for item in items {
            let parts = [item.title, item.detail].compactMap { $0?.printable(limit: 300) }.filter { !$0.isEmpty }
            let words = parts.first == parts.last ? parts.first ?? "" : parts.joined(separator: ": ")
            guard !words.isEmpty, !seen.contains(words) else { continue }
            if seen.count < Self.mostErrors { seen.append(words) } else { more += 1 }
        }
        guard !seen.isEmpty else { return nil }
        let rest = more == 0 ? "" : "; and \(more) more"
        return seen.joined(separator: "; ").cut(toBytes: Self.mostBytes - rest.utf8.count) + rest
    }

    var requestID: String? { items.lazy.compactMap(\.requestID).first?.printable(limit: 100) }

    private struct Document: Decodable {
        let items: [Item]

        private enum Keys: String, CodingKey {
            case errors
        }

        init(from decoder: any Decoder) throws {
            let document = try decoder.container(keyedBy: Keys.self)
            if let list = try? document.decode([Item].self, forKey: .errors) {
                items = list
            } else if let one = try? document.decode(Item.self, forKey: .errors) {
                items = [one]
            } else {
                items = [try Item(from: decoder)]
            }
        }
    }
}

extension VendorErrors.Item: Decodable {
    private enum Keys: String, CodingKey {
        case title, detail, error
        case requestID = "request_id"
        case oauthDetail = "error_description"
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            title = text
            return
        }
        let item = try decoder.container(keyedBy: Keys.self)
        func text(_ key: Keys) -> String? {
            if let text = try? item.decode(String.self, forKey: key) { return text }
            return (try? item.decode(Int64.self, forKey: key)).map(String.init)
        }
        title = text(.title) ?? text(.error)
        detail = text(.detail) ?? text(.oauthDetail)
        requestID = text(.requestID)
    }
}

extension String {
    /// The text, with an ellipsis in place of what is over a number of bytes, at least 3.
    fileprivate func cut(toBytes most: Int) -> String {
        guard utf8.count > most else { return self }
        var kept = ""
        var bytes = 0
        for scalar in unicodeScalars {
            bytes += scalar.utf8.count
            if bytes > most - 3 { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + "…"
    }

    /// The text on one line without control characters, cut to a number of characters.
    func printable(limit: Int) -> String {
        var line = ""
        var isGap = false
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate:
                isGap = !line.isEmpty
            default:
                if isGap { line.unicodeScalars.append(" ") }
                isGap = false
                line.unicodeScalars.append(scalar)
            }
            if line.unicodeScalars.count >= limit { return line + "…" }
        }
        return line
    }
}
