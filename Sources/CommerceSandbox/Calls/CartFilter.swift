/// A filter expression of GET /v2/carts: `contains(account_ids,"ID")` and `ilike(name,"TEXT")`, combined with `:`
/// (and, binds closer) and `|` (or).
indirect enum CartFilter: Hashable {
    case account(String)
    /// Case-insensitive; `*` stands for any text.
    case name(String)
    case all([CartFilter])
    case any([CartFilter])

    /// Returns nil if the text is not such an expression.
    init?(_ text: String) {
        var parser = Parser(rest: Array(text.utf8)[...])
        guard let filter = parser.alternatives(), parser.rest.isEmpty else { return nil }
        self = filter
    }

    func matches(_ cart: Cart) -> Bool {
        switch self {
        case .account(let id): cart.accounts.contains(id)
        case .name(let pattern): Wildcards.match(cart.name.lowercased(), pattern.lowercased())
        case .all(let parts): parts.allSatisfy { $0.matches(cart) }
        case .any(let parts): parts.contains { $0.matches(cart) }
        }
    }

    /// Reads bytes, because a bracket and a combining mark after it are one character.
    private struct Parser {
        var rest: ArraySlice<UInt8>

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
            let value: ArraySlice<UInt8>
            if take("\"") {
                value = rest.prefix { $0 != UInt8(ascii: "\"") }
                rest = rest.dropFirst(value.count)
                guard take("\"") else { return nil }
            } else {
                value = rest.prefix { !"(),\"".utf8.contains($0) }
                rest = rest.dropFirst(value.count)
                guard !value.isEmpty else { return nil }
            }
            return take(")") ? String(decoding: value, as: UTF8.self) : nil
        }

        private mutating func take(_ expected: String) -> Bool {
            guard rest.starts(with: expected.utf8) else { return false }
            rest = rest.dropFirst(expected.utf8.count)
            return true
        }
    }
}
