/// What tells that several files are one export.
package enum PartsRule: String, Sendable, Hashable, CaseIterable {
    /// Their names: `customers-1of3.csv` is the first part of three.
    case name
    /// A manifest that lists them.
    case manifest
    /// Nothing: each file is an export.
    case off
}

/// Which part of an export in several files a file is, as its name says: `customers-20261127-1of3.csv`,
/// `customers_part01of03.csv.gz`, `customers-00000-of-00003.csv`.
package struct PartName: Sendable, Hashable {
    /// The name of the whole export: that of the file without what says the part, and without the endings of packed forms.
    package let whole: String
    /// Counted from 1, or from 0.
    package let number: Int
    /// How many parts there are.
    package let count: Int

    /// More parts than this are no parts of an export.
    private static let mostParts = 100_000
    // Each use of a literal parses it anew; it holds nothing that changes.
    private static nonisolated(unsafe) let pattern =
        #/(?i)[-_. ]*[(\[]?(?:part|pt|chunk|shard|file)?[-_. ]*([0-9]+)[-_. ]*of[-_. ]*([0-9]+)[)\]]?(?![\p{L}0-9])/#
    private static let packed = [".gz", ".gzip", ".zip", ".zst", ".bz2", ".gpg", ".pgp"]

    /// Nil if the name is not that of a part: it says two numbers with `of` between, the first not over the second.
    package init?(_ name: String) {
        guard let match = unsafe name.matches(of: Self.pattern).last, let number = Int(match.1),
            let count = Int(match.2), (1...Self.mostParts).contains(count), number <= count
        else { return nil }
        (self.number, self.count) = (number, count)
        whole = Self.whole(name[..<match.range.lowerBound], name[match.range.upperBound...])
    }

    private static func whole(_ before: Substring, _ after: Substring) -> String {
        var after = String(after)
        while let ending = packed.first(where: { after.lowercased().hasSuffix($0) }) { after.removeLast(ending.count) }
        guard before.isEmpty else { return before + after }
        let rest = String(after.drop { "-_ ".contains($0) })
        return rest.isEmpty || rest.hasPrefix(".") ? "export\(rest)" : rest
    }
}

extension PartName {
    /// Why parts with these numbers are not a whole export, as a sentence without a full stop; nil if they are.
    package static func problem(_ numbers: [Int], of count: Int) -> String? {
        let sorted = numbers.sorted()
        if let twice = zip(sorted, sorted.dropFirst()).first(where: { $0 == $1 }) {
            return "part \(twice.0) of \(count) is there twice"
        }
        if sorted.first == 0, sorted.last == count {
            return "its parts are numbered from 0 and up to \(count), which would be one more than \(count)"
        }
        guard sorted.count < count else { return nil }
        let few = sorted.count <= 5 ? ": \(sorted.map(String.init).joined(separator: ", "))" : ""
        return "only \(sorted.count) of \(count) parts are there\(few)"
    }
}
