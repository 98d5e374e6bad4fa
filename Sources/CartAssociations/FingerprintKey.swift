/// The secret that makes fingerprints unpredictable: no export can choose values that collide.
///
/// One belongs to each ledger and never changes, because the ledger keeps fingerprints. For the same reason the
/// function below is fixed: another one would make every stored fingerprint foreign.
package struct FingerprintKey: Sendable, Hashable {
    private let a: UInt64
    private let b: UInt64
    private let c: UInt64
    private let d: UInt64

    /// The bytes that a key is made of.
    package static let byteCount = 32

    /// Returns nil unless there are 32 bytes; they must be random and secret.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        func word(_ index: Int) -> UInt64 {
            bytes[index * 8..<index * 8 + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        a = word(0)
        b = word(1)
        c = word(2)
        d = word(3)
    }

    /// A random key, for fingerprints that are not kept.
    package init(using generator: inout some RandomNumberGenerator) {
        a = generator.next()
        b = generator.next()
        c = generator.next()
        d = generator.next()
    }

    /// The bytes that it was made of, to derive other secrets from.
    package var bytes: [UInt8] {
        [a, b, c, d].flatMap { word in
            stride(from: UInt64(0), to: 64, by: 8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// The fingerprint of one association, from the bytes of its ids.
    ///
    /// Lengths are part of it: `ab` + `c` and `a` + `bc` differ. Ids of 2^31 bytes and more are not
    /// expected; the vocabulary allows 255.
    package func fingerprint(_ kind: OwnerKind, owner: Span<UInt8>, cart: Span<UInt8>) -> Fingerprint {
        var lanes = start(Self.tag(kind), owner.count, cart.count)
        lanes.mix(owner)
        lanes.mix(cart)
        return lanes.finish()
    }

    /// The fingerprint of an association, equal to that of its bytes.
    package func fingerprint(_ association: Association) -> Fingerprint {
        var owner = association.owner.id.text
        var cart = association.cart.text
        // Unsafe only because the pointers could outlive the closures.
        return owner.withUTF8 { owner in
            cart.withUTF8 { cart in
                unsafe fingerprint(association.owner.kind, owner: owner.span, cart: cart.span)
            }
        }
    }

    /// The fingerprint of an owner, to count or look up owners; it never equals that of an association or a cart.
    package func fingerprint(_ kind: OwnerKind, owner: Span<UInt8>) -> Fingerprint {
        var lanes = start(Self.tag(kind) + 2, owner.count, 0)
        lanes.mix(owner)
        return lanes.finish()
    }

    /// The fingerprint of an owner, equal to that of its bytes.
    package func fingerprint(_ owner: Owner) -> Fingerprint {
        let bytes = Array(owner.id.text.utf8)
        return fingerprint(owner.kind, owner: bytes.span)
    }

    /// The fingerprint of a cart, to count or look up carts.
    package func fingerprint(cart: Span<UInt8>) -> Fingerprint {
        var lanes = start(4, 0, cart.count)
        lanes.mix(cart)
        return lanes.finish()
    }

    /// The fingerprint of a cart, equal to that of its bytes.
    package func fingerprint(_ cart: CartID) -> Fingerprint {
        let bytes = Array(cart.text.utf8)
        return fingerprint(cart: bytes.span)
    }

    /// The fingerprint of a text that is neither an identifier nor an association.
    ///
    /// - Parameters:
    ///   - tag: 5 to 7, for what the text is.
    ///   - code: tells texts of one tag apart.
    func fingerprint(tag: UInt64, _ code: Int, _ text: Span<UInt8>) -> Fingerprint {
        var lanes = start(tag, text.count, code)
        lanes.mix(text)
        return lanes.finish()
    }

    private static func tag(_ kind: OwnerKind) -> UInt64 {
        switch kind {
        case .customer: 0
        case .account: 1
        }
    }

    private func start(_ tag: UInt64, _ owner: Int, _ cart: Int) -> FingerprintLanes {
        let shape = UInt64(truncatingIfNeeded: owner) | UInt64(truncatingIfNeeded: cart) << 32 | tag << 61
        return FingerprintLanes(shape: shape, a: a, b: b, c: c, d: d)
    }
}

/// Two independent chains of 64x64 to 128-bit multiplications, each folded to 64 bits at every step.
struct FingerprintLanes {
    private var high: UInt64
    private var low: UInt64
    private let b: UInt64
    private let d: UInt64

    init(shape: UInt64, a: UInt64, b: UInt64, c: UInt64, d: UInt64) {
        self.b = b
        self.d = d
        high = Self.fold(shape ^ a, d)
        low = Self.fold(shape ^ c, b)
    }

    /// Mixes in bytes, 16 at a time, the last ones padded with zeros; `shape` tells how many were real.
    @inline(__always)
    mutating func mix(_ span: Span<UInt8>) {
        // Unsafe only because a raw view may show padding: bytes have no padding.
        let bytes = unsafe span.bytes
        var offset = 0
        while offset + 16 <= bytes.byteCount {
            // Unsafe only in that the loads are unaligned and of a trivial type: the span checks their bounds.
            step(
                unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian,
                unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self).littleEndian)
            offset += 16
        }
        guard offset < bytes.byteCount else { return }
        if offset + 8 <= bytes.byteCount {
            let first = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
            step(first, Self.tail(bytes, from: offset + 8))
        } else {
            step(Self.tail(bytes, from: offset), 0)
        }
    }

    func finish() -> Fingerprint {
        Fingerprint(high: Self.fold(high ^ d, low ^ b), low: Self.fold(low &+ b, high &+ d ^ b))
    }

    private mutating func step(_ first: UInt64, _ second: UInt64) {
        high = Self.fold(high ^ first, second ^ b)
        low = Self.fold(low ^ second, first ^ d)
    }

    /// The bytes from a place on, fewer than eight.
    @inline(__always)
    private static func tail(_ bytes: RawSpan, from start: Int) -> UInt64 {
        // Unsafe only in that the loads are unaligned and of trivial types: the span checks their bounds.
        let count = bytes.byteCount - start
        if bytes.byteCount >= 8 {
            // The last eight bytes at once, less those before the start.
            let last = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: bytes.byteCount - 8, as: UInt64.self)
            return count == 0 ? 0 : last.littleEndian >> UInt64(64 - 8 * count)
        }
        var word: UInt64 = 0
        for offset in (start..<bytes.byteCount).reversed() {
            word = word << 8 | UInt64(unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
        }
        return word
    }

    /// The two halves of a full product, added up: every bit of both factors reaches every bit of the result.
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
