/// A filter expression of the lists of customers, accounts and account members: terms such as `eq(email,"a@b.example")`,
/// combined with `:` (and).
struct OwnerFilter: Sendable {
    enum Field: String, Sendable, CaseIterable {
        case id, name, email
        case externalRef = "external_ref"
        case registrationID = "registration_id"
    }

    enum Operation: String, Sendable {
        case eq, like, ilike, ge, gt, le, lt
        case isIn = "in"
    }

    struct Term: Sendable {
        let operation: Operation
        let field: Field
        let values: [String]
        /// Whether letters of e-mails are compared without their case.
        let ignoresCase: Bool

        /// Whether positions in the order of ids say all of it.
        var isRangeOfIDs: Bool { field == .id && [.gt, .ge, .le, .lt].contains(operation) }

        func matches(_ entry: SandboxOwnerEntry) -> Bool {
            guard let value = entry.value(field) else { return false }
            let folds = operation == .ilike || field == .email && ignoresCase
            let own = folds ? value.lowercased() : value
            let wanted = folds ? values.map { $0.lowercased() } : values
            return switch operation {
            case .eq: own == wanted[0]
            case .isIn: wanted.contains(own)
            case .like, .ilike: Wildcards.match(own, wanted[0])
            case .ge: own >= wanted[0]
            case .gt: own > wanted[0]
            case .le: own <= wanted[0]
            case .lt: own < wanted[0]
            }
        }
    }

    let terms: [Term]

    /// The most terms of a filter, values of `in`, and bytes (Elastic Path, filtering).
    private static let (mostTerms, mostValues, mostBytes) = (10, 200, 8192)

    /// Returns nil if the text is not such an expression, or the list does not have the operation.
    ///
    /// - Parameter ignoresCase: whether the store compares e-mails without the case of letters.
    init?(_ text: String, _ allowed: [Field: [Operation]], ignoresCase: Bool) {
        guard text.utf8.count <= Self.mostBytes else { return nil }
        var rest = Array(text.utf8)[...]
        var terms: [Term] = []
        repeat {
            guard let term = Self.term(&rest, allowed, ignoresCase) else { return nil }
            terms.append(term)
        } while Self.take(":", &rest)
        guard rest.isEmpty, terms.count <= Self.mostTerms else { return nil }
        self.terms = terms
    }

    func matches(_ entry: SandboxOwnerEntry) -> Bool { terms.allSatisfy { $0.matches(entry) } }

    private static func term(
        _ rest: inout ArraySlice<UInt8>, _ allowed: [Field: [Operation]], _ ignoresCase: Bool
    ) -> Term? {
        let name = String(decoding: rest.prefix { $0 != UInt8(ascii: "(") }, as: UTF8.self)
        rest = rest.dropFirst(name.utf8.count)
        guard let operation = Operation(rawValue: name), take("(", &rest) else { return nil }
        let fieldName = String(decoding: rest.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
        rest = rest.dropFirst(fieldName.utf8.count)
        guard let field = Field(rawValue: fieldName), allowed[field]?.contains(operation) == true else { return nil }
        var values: [String] = []
        while take(",", &rest) {
            guard let value = value(&rest) else { return nil }
            values.append(value)
        }
        guard take(")", &rest), operation == .isIn ? (1...mostValues).contains(values.count) : values.count == 1 else {
            return nil
        }
        return Term(operation: operation, field: field, values: values, ignoresCase: ignoresCase)
    }

    /// A value, in quotes or bare; blanks before it are passed over.
    private static func value(_ rest: inout ArraySlice<UInt8>) -> String? {
        rest = rest.drop { $0 == UInt8(ascii: " ") }
        let isQuoted = take("\"", &rest)
        let value = rest.prefix { isQuoted ? $0 != UInt8(ascii: "\"") : !"(),\"".utf8.contains($0) }
        rest = rest.dropFirst(value.count)
        guard isQuoted ? take("\"", &rest) : !value.isEmpty else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    private static func take(_ expected: String, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.starts(with: expected.utf8) else { return false }
        rest = rest.dropFirst(expected.utf8.count)
        return true
    }
}

/// Text in which `*` stands for any other.
enum Wildcards {
    static func match(_ text: String, _ pattern: String) -> Bool {
        let text = Array(text.utf8)
        let pieces = Array(pattern.utf8).split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else {
            return text.elementsEqual(pattern.utf8)
        }
        guard text.starts(with: first) else { return false }
        var rest = text[first.count...]
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let start = rest.indices.first(where: { rest[$0...].starts(with: piece) }) else { return false }
            rest = rest[(start + piece.count)...]
        }
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}
