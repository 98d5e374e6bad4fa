/// What may be a value of a field in text that was not understood: each run of it between two characters that can stand
/// beside a value.
///
/// A value can have such characters itself, as `K 7` has. So runs over a number of them are visited too.
package struct DoubtfulValues: Sendable {
    /// How many characters that can stand beside a value each value has at most.
    private let most: Int

    /// - Parameter most: how many characters that can stand beside a value each value that matters has itself, at most.
    package init(separators most: Int) { self.most = most }

    /// How many characters a value has that can stand beside values.
    package static func separators(in value: Span<UInt8>) -> Int {
        var count = 0
        var at = 0
        while at < value.count {
            guard let length = separator(at: at, value) else {
                at += 1
                continue
            }
            count += 1
            at += length
        }
        return count
    }

    /// Visits what may be a value of a text, as it stands there and with quotes that stand for one.
    ///
    /// - Parameter visit: returns false to see no more.
    package func forEach(in text: Span<UInt8>, _ visit: (Span<UInt8>) throws -> Bool) rethrows {
        guard try visitAll(text, visit), let plain = Self.withoutPairs(text) else { return }
        _ = try visitAll(plain.span, visit)
    }

    private func visitAll(_ text: Span<UInt8>, _ visit: (Span<UInt8>) throws -> Bool) rethrows -> Bool {
        var separators: [Range<Int>] = [0..<0]
        var at = 0
        while at < text.count {
            guard let length = Self.separator(at: at, text) else {
                at += 1
                continue
            }
            separators.append(at..<at + length)
            at += length
        }
        separators.append(text.count..<text.count)
        for first in separators.indices.dropLast() {
            let start = separators[first].upperBound
            var last = first + 1
            while last < separators.count, last - first - 1 <= most {
                let end = separators[last].lowerBound
                if end > start, try !visit(text.extracting(start..<end)) { return false }
                last += 1
            }
        }
        return true
    }

    /// How many bytes the character has that can stand beside a value; nil for any other: a letter, a digit, one of
    /// `.` `-` `_` `@` `+`, or one beyond ASCII that is no blank.
    private static func separator(at index: Int, _ text: Span<UInt8>) -> Int? {
        switch text[index] {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "@"), UInt8(ascii: "+"):
            nil
        case 0x80...: IdentifierText.longBlank(at: index, of: 0..<text.count, text)
        default: 1
        }
    }

    /// The text with one quotation mark in the place of two; nil without such a pair.
    private static func withoutPairs(_ text: Span<UInt8>) -> [UInt8]? {
        var plain: [UInt8] = []
        var at = 0
        while at < text.count {
            plain.append(text[at])
            let isPair =
                text[at] == CSVFramer.quote && at + 1 < text.count && text[at + 1] == CSVFramer.quote
            at += isPair ? 2 : 1
        }
        return plain.count < text.count ? plain : nil
    }
}
