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
        guard encoding != .utf8 else { return output.append(input) }
        // No byte becomes more than three, and a surrogate that was held back becomes three more.
        var end = output.count
        output.append(contentsOf: repeatElement(0, count: 3 * input.count + 3))
        var text = output.mutableSpan
        for index in 0..<input.count {
            let byte = input[index]
            switch encoding {
            case .utf8: break
            case .latin1, .latin9, .windows1252: Self.put(characters[Int(byte)], in: &text, at: &end)
            case .utf16LittleEndian, .utf16BigEndian:
                guard let first = odd else {
                    odd = byte
                    continue
                }
                odd = nil
                let (low, high) = encoding == .utf16LittleEndian ? (first, byte) : (byte, first)
                put(UInt16(high) << 8 | UInt16(low), in: &text, at: &end)
            }
        }
        output.removeLast(output.count - end)
    }

    /// Writes what is still held back at the end of the input.
    mutating func finish(to output: inout [UInt8]) {
        guard let high else { return }
        self.high = nil
        var end = output.count
        output += [0, 0, 0]
        var text = output.mutableSpan
        Self.put(UInt32(high), in: &text, at: &end)
    }

    @inline(__always)
    private mutating func put(_ unit: UInt16, in text: inout MutableSpan<UInt8>, at end: inout Int) {
        if let first = high {
            high = nil
            if unit & 0xFC00 == 0xDC00 {
                let scalar = 0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(unit & 0x3FF))
                return Self.put(scalar, in: &text, at: &end)
            }
            Self.put(UInt32(first), in: &text, at: &end)
        }
        if unit & 0xFC00 == 0xD800 {
            high = unit
        } else {
            Self.put(UInt32(unit), in: &text, at: &end)
        }
    }

    @inline(__always)
    private static func put(_ scalar: UInt32, in text: inout MutableSpan<UInt8>, at end: inout Int) {
        switch scalar {
        case ..<0x80:
            text[end] = UInt8(scalar)
            end += 1
        case ..<0x800:
            text[end] = UInt8(0xC0 | scalar >> 6)
            text[end + 1] = UInt8(0x80 | scalar & 0x3F)
            end += 2
        case ..<0x10000:
            text[end] = UInt8(0xE0 | scalar >> 12)
            text[end + 1] = UInt8(0x80 | scalar >> 6 & 0x3F)
            text[end + 2] = UInt8(0x80 | scalar & 0x3F)
            end += 3
        default:
            text[end] = UInt8(0xF0 | scalar >> 18)
            text[end + 1] = UInt8(0x80 | scalar >> 12 & 0x3F)
            text[end + 2] = UInt8(0x80 | scalar >> 6 & 0x3F)
            text[end + 3] = UInt8(0x80 | scalar & 0x3F)
            end += 4
        }
    }
}
