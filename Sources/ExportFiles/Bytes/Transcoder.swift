/// Turns UTF-16 or an encoding of one byte a character into UTF-8, a block at a time.
///
/// A surrogate without its other half becomes the three bytes that UTF-8 forbids for it, so that the one record that
/// holds it is found to be wrong, and not the file.
struct Transcoder {
    private let encoding: TextEncoding
    private let characters: [UInt32]
    private var high: UInt16?
    private var odd: UInt8?

    init(from encoding: TextEncoding) {
        self.encoding = encoding
        characters = encoding.characters ?? []
    }

    /// Whether the input so far ends between two characters.
    var isComplete: Bool { odd == nil }

    mutating func append(_ input: Span<UInt8>, to output: inout [UInt8]) {
        switch encoding {
        case .utf8:
            for index in 0..<input.count { output.append(input[index]) }
        case .latin1, .latin9, .windows1252:
            for index in 0..<input.count { Self.append(characters[Int(input[index])], to: &output) }
        case .utf16LittleEndian, .utf16BigEndian:
            for index in 0..<input.count {
                guard let first = odd else {
                    odd = input[index]
                    continue
                }
                odd = nil
                let (low, high) = encoding == .utf16LittleEndian ? (first, input[index]) : (input[index], first)
                append(UInt16(high) << 8 | UInt16(low), to: &output)
            }
        }
    }

    /// Writes what is still held back at the end of the input.
    mutating func finish(to output: inout [UInt8]) {
        if let high { Self.append(UInt32(high), to: &output) }
        high = nil
    }

    private mutating func append(_ unit: UInt16, to output: inout [UInt8]) {
        if let first = high {
            high = nil
            if unit & 0xFC00 == 0xDC00 {
                Self.append(0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(unit & 0x3FF)), to: &output)
                return
            }
            Self.append(UInt32(first), to: &output)
        }
        if unit & 0xFC00 == 0xD800 {
            high = unit
        } else {
            Self.append(UInt32(unit), to: &output)
        }
    }

    private static func append(_ scalar: UInt32, to output: inout [UInt8]) {
        switch scalar {
        case ..<0x80:
            output.append(UInt8(scalar))
        case ..<0x800:
            output.append(UInt8(0xC0 | scalar >> 6))
            output.append(UInt8(0x80 | scalar & 0x3F))
        case ..<0x10000:
            output.append(UInt8(0xE0 | scalar >> 12))
            output.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            output.append(UInt8(0x80 | scalar & 0x3F))
        default:
            output.append(UInt8(0xF0 | scalar >> 18))
            output.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            output.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            output.append(UInt8(0x80 | scalar & 0x3F))
        }
    }
}
