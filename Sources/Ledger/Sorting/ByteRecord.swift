/// A record as bytes whose order, compared byte by byte, is the order of its fields: text ends with a zero byte,
/// which no id holds, and numbers are big-endian.
struct ByteRecord {
    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
    }

    /// Appends text that is there as its UTF-8.
    mutating func append(text: Span<UInt8>) {
        for index in text.indices { bytes.append(text[index]) }
        bytes.append(0)
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(_ number: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    /// Reads the fields of a record in the order in which they were appended.
    struct Reader {
        private var rest: ArraySlice<UInt8>

        init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

        /// The bytes of a text, without its end.
        mutating func text() -> ArraySlice<UInt8> {
            let end = rest.firstIndex(of: 0) ?? rest.endIndex
            defer { rest = rest[min(end + 1, rest.endIndex)...] }
            return rest[..<end]
        }

        mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

        /// This many bytes as they are.
        mutating func bytes(_ count: Int) -> ArraySlice<UInt8> {
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        mutating func number() -> UInt64 {
            let number = rest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(8)
            return number
        }
    }
}
