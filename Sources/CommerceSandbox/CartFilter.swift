/// A filter expression of GET /v2/carts: `contains(account_ids,"ID")` and `ilike(name,"TEXT")`, combined with `:`
/// (and, binds closer) and `|` (or).
indirect enum CartFilter: Hashable {
    case account(String)
    /// Case-insensitive; `*` stands for any text.
    case name(String)
    case all([CartFilter])
    case any([CartFilter])

    /// Returns nil where the text is no such expression.
    init?(_ text: String) {
        var parser = Parser(rest: text[...])
        guard let filter = parser.alternatives(), parser.rest.isEmpty else { return nil }
        self = filter
    }

    func matches(_ cart: Cart) -> Bool {
        switch self {
        case .account(let id): cart.accounts.contains(id)
        case .name(let pattern): Self.like(cart.name.lowercased(), pattern.lowercased())
        case .all(let parts): parts.allSatisfy { $0.matches(cart) }
        case .any(let parts): parts.contains { $0.matches(cart) }
        }
    }

    private static func like(_ text: String, _ pattern: String) -> Bool {
        let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else { return text == pattern }
        guard text.hasPrefix(first) else { return false }
        var rest = text.dropFirst(first.count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let end = end(of: piece, in: rest) else { return false }
            rest = rest[end...]
        }
        return rest.hasSuffix(last)
    }

    private static func end(of piece: Substring, in text: Substring) -> Substring.Index? {
        text.indices.first { text[$0...].hasPrefix(piece) }.flatMap {
            text.index($0, offsetBy: piece.count, limitedBy: text.endIndex)
        }
    }

    private struct Parser {
        var rest: Substring

        mutating func alternatives() -> CartFilter? {
            guard let first = conjunction() else { return nil }
            var parts = [first]
            while take("|") {
                guard let next = conjunction() else { return nil }
                parts.append(next)
            }
            return parts.count == 1 ? first : .any(parts)
        }

        private mutating func conjunction() -> CartFilter? {
            guard let first = term() else { return nil }
            var parts = [first]
            while take(":") {
                guard let next = term() else { return nil }
                parts.append(next)
            }
            return parts.count == 1 ? first : .all(parts)
        }

        private mutating func term() -> CartFilter? {
            if take("contains(account_ids,") { return argument().map { .account($0) } }
            if take("ilike(name,") { return argument().map { .name($0) } }
            return nil
        }

        /// A value, in quotes or bare, and the closing bracket.
        private mutating func argument() -> String? {
            let value: Substring
            if take("\"") {
                value = rest.prefix { $0 != "\"" }
                rest = rest.dropFirst(value.count)
                guard take("\"") else { return nil }
            } else {
                value = rest.prefix { $0 != ")" && $0 != "," && $0 != "(" && $0 != "\"" }
                rest = rest.dropFirst(value.count)
                guard !value.isEmpty else { return nil }
            }
            return take(")") ? String(value) : nil
        }

        private mutating func take(_ expected: String) -> Bool {
            guard rest.hasPrefix(expected) else { return false }
            rest = rest.dropFirst(expected.count)
            return true
        }
    }
}
