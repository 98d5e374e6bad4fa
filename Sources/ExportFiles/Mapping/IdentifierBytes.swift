import CartAssociations

/// Judges identifiers in place, by the rules of `CartID` and `OwnerID`.
package enum IdentifierBytes {
    private static let one: UInt64 = 0x0101_0101_0101_0101
    private static let top: UInt64 = 0x8080_8080_8080_8080

    package static func isCart(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= IdentifierLimit.bytes else { return false }
        var bad: UInt64 = 0
        forEachWord(bytes) { word in
            // With the case bit set, letters and nothing else are a...z.
            let letters = within(word | (one &* 0x20), 0x61, 0x7A)
            bad |= ~(letters | within(word, 0x30, 0x39) | within(word, 0x2D, 0x2D) | within(word, 0x5F, 0x5F)) & top
        }
        return bad == 0
    }

    package static func isOwner(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= IdentifierLimit.bytes else { return false }
        var bad: UInt64 = 0
        forEachWord(bytes) { bad |= ~within($0, 0x21, 0x7E) & top }
        if bad == 0 { return true }
        var copy: [UInt8] = []
        copy.append(bytes)
        guard let text = String(validating: copy, as: UTF8.self) else { return false }
        return OwnerID.isValid(text)
    }

    static func areASCII(_ bytes: Span<UInt8>) -> Bool {
        var seen: UInt64 = 0
        forEachWord(bytes) { seen |= $0 }
        return seen & top == 0
    }

    /// The top bit of each byte that lies between two ASCII values.
    @inline(__always)
    private static func within(_ word: UInt64, _ low: UInt64, _ high: UInt64) -> UInt64 {
        let seven = word & ~top
        // Seven bits and a bound of at most 0x80 never carry into the next byte.
        let atLeast = seven &+ one &* (0x80 - low)
        let above = seven &+ one &* (0x7F - high)
        return atLeast & ~above & ~word & top
    }

    /// Hands out the bytes eight at a time: the last ones once more with some before them, fewer than eight filled up with a
    /// letter.
    @inline(__always)
    private static func forEachWord(_ bytes: Span<UInt8>, _ body: (UInt64) -> Void) {
        // Bytes have no padding that a raw view could leak.
        let raw = unsafe bytes.bytes
        guard bytes.count >= 8 else {
            var word = one &* 0x61
            for index in bytes.indices { word = word &<< 8 | UInt64(bytes[index]) }
            return body(word)
        }
        var offset = 0
        while offset < bytes.count {
            offset = min(offset, bytes.count &- 8)
            // Within the span, as the line above says; integers may be read at any address.
            body(unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
            offset &+= 8
        }
    }
}
