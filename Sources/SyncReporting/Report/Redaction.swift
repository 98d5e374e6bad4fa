import Foundation

/// Puts a name in the place of ids in texts and in files of every format of ours.
package struct Redaction: Sendable {
    private let patterns: [[UInt8]]
    private let name: [UInt8]

    /// - Parameters:
    ///   - ids: what is replaced, each also as CSV, JSON and HTML write it.
    ///   - name: what stands in their place: letters, digits and `-`.
    package init(_ ids: [String], by name: String) {
        let forms = ids.flatMap { id in
            [
                id, id.replacing("\"", with: "\"\""),
                id.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("/", with: "\\/"),
                id.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""), Markup.escaped(id),
            ]
        }
        patterns = Set(forms).filter { !$0.isEmpty }.map { Array($0.utf8) }.sorted { $0.count > $1.count }
        self.name = Array(name.utf8)
    }

    package func text(_ text: String) -> String {
        bytes(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// The bytes with the name in the place of each id that stands for itself, and is not a part of another; nil if there is
    /// none.
    package func bytes(_ bytes: [UInt8]) -> [UInt8]? {
        var changed: [UInt8] = []
        var kept = 0
        var place = 0
        let firsts = Set(patterns.compactMap(\.first))
        while place < bytes.count {
            guard firsts.contains(bytes[place]), Self.begins(bytes, at: place),
                let pattern = patterns.first(where: { Self.stands($0, in: bytes, at: place) })
            else {
                place += 1
                continue
            }
            changed += bytes[kept..<place]
            changed += name
            place += pattern.count
            kept = place
        }
        guard kept > 0 else { return nil }
        return changed + bytes[kept...]
    }

    /// Whether an id can begin at a place: behind another character, or behind a line end as JSON writes it.
    private static func begins(_ bytes: [UInt8], at place: Int) -> Bool {
        guard place > 0, isOfID(bytes, at: place - 1) else { return true }
        return place > 1 && bytes[place - 2] == UInt8(ascii: "\\") && "nrt".utf8.contains(bytes[place - 1])
    }

    private static func stands(_ pattern: [UInt8], in bytes: [UInt8], at place: Int) -> Bool {
        let end = place + pattern.count
        guard end <= bytes.count, bytes[place..<end].elementsEqual(pattern) else { return false }
        guard end < bytes.count else { return true }
        // A full stop ends a sentence, or is a part of an id.
        if bytes[end] == UInt8(ascii: ".") { return end + 1 >= bytes.count || !isOfID(bytes, at: end + 1) }
        return !isOfID(bytes, at: end)
    }

    private static func isOfID(_ bytes: [UInt8], at place: Int) -> Bool {
        switch bytes[place] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x80...:
            true
        default: false
        }
    }
}
