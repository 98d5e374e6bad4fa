import CartAssociations
import Testing

@Suite("Fingerprints")
struct FingerprintKeyTests {
    let key = FingerprintKey([UInt8](0..<32))

    private func fingerprint(_ kind: OwnerKind, _ owner: String, _ cart: String) throws -> Fingerprint {
        let owner = Array(owner.utf8)
        let cart = Array(cart.utf8)
        return try #require(key).fingerprint(kind, owner: owner.span, cart: cart.span)
    }

    @Test("a key takes exactly 32 bytes")
    func keyLength() {
        #expect(FingerprintKey([UInt8](repeating: 7, count: 31)) == nil)
        #expect(FingerprintKey([UInt8](repeating: 7, count: 33)) == nil)
        #expect(FingerprintKey([UInt8](repeating: 7, count: 32)) != nil)
    }

    @Test("the function never changes, because ledgers keep its results")
    func pinned() throws {
        #expect(
            try fingerprint(.customer, "c-1", "cart-1")
                == Fingerprint(high: 16_671_174_228_254_286_802, low: 6_947_737_053_991_538_296))
        #expect(
            try fingerprint(.account, "7c1f0a52-4a5f-4ea5-9c0f-5f5c1f5e8a11", "cart-7f3a9c11d2")
                == Fingerprint(high: 3_194_544_941_274_187_059, low: 13_851_364_881_572_302_321))
    }

    @Test("nor does it for any length of either id")
    func pinnedLengths() throws {
        let key = try #require(key)
        var (high, low) = (UInt64(0), UInt64(0))
        for length in 0...40 {
            let owner = (0..<length).map { UInt8(truncatingIfNeeded: length * 7 + $0 * 13) }
            let cart = (0..<40 - length).map { UInt8(truncatingIfNeeded: $0 * 29 + 1) }
            let fingerprint = key.fingerprint(.customer, owner: owner.span, cart: cart.span)
            high = (high ^ fingerprint.high) &* 3
            low = (low ^ fingerprint.low) &* 3
        }
        #expect(high == 6_945_671_933_085_178_749)
        #expect(low == 3_191_863_319_952_247_971)
    }

    @Test("an association has the fingerprint of its bytes")
    func sameAsBytes() throws {
        let key = try #require(key)
        for (owner, cart) in [("c-1", "cart-1"), ("é", "x"), (String(repeating: "o", count: 255), "c")] {
            let owner = try #require(OwnerID(owner))
            let cart = try #require(CartID(cart))
            for kind in OwnerKind.allCases {
                #expect(
                    try key.fingerprint(Association(kind, owner, cart)) == fingerprint(kind, owner.text, cart.text))
            }
            let bytes = Array(owner.text.utf8)
            #expect(key.fingerprint(Owner(kind: .account, id: owner)) == key.fingerprint(.account, owner: bytes.span))
            let cartBytes = Array(cart.text.utf8)
            #expect(key.fingerprint(cart) == key.fingerprint(cart: cartBytes.span))
        }
    }

    @Test("what differs in kind, boundary, length, padding or role has another fingerprint")
    func distinct() throws {
        let key = try #require(key)
        var seen = Set<Fingerprint>()
        var count = 0
        func add(_ fingerprint: Fingerprint) {
            seen.insert(fingerprint)
            count += 1
        }
        // Every split of the same bytes, and every length around the steps of 8 and 16 bytes.
        let text = String(repeating: "a", count: 40)
        for length in 0...40 {
            for cut in 0...length {
                for kind in OwnerKind.allCases {
                    add(try fingerprint(kind, String(text.prefix(cut)), String(text.prefix(length - cut))))
                }
            }
        }
        for length in 0...20 {
            add(try fingerprint(.customer, "x", "b" + String(repeating: "\0", count: length)))
        }
        for length in 1...40 {
            let bytes = [UInt8](repeating: 97, count: length)
            add(key.fingerprint(.customer, owner: bytes.span))
            add(key.fingerprint(.account, owner: bytes.span))
            add(key.fingerprint(cart: bytes.span))
        }
        #expect(seen.count == count)
    }

    @Test("another key gives other fingerprints")
    func keyed() throws {
        var bytes = [UInt8](0..<32)
        let association = Association(.customer, try #require(OwnerID("c-1")), try #require(CartID("cart-1")))
        let first = try #require(key).fingerprint(association)
        for index in bytes.indices {
            bytes[index] ^= 1
            let other = try #require(FingerprintKey(bytes)).fingerprint(association)
            #expect(other.high != first.high && other.low != first.low, "byte \(index)")
            bytes[index] ^= 1
        }
    }

    @Test("one changed bit of the input changes about half of the bits of the fingerprint")
    func avalanche() throws {
        let key = try #require(key)
        for length in [1, 7, 8, 9, 16, 21, 36] {
            var owner = [UInt8](repeating: 0x61, count: length)
            let cart = Array("cart-1".utf8)
            let original = key.fingerprint(.customer, owner: owner.span, cart: cart.span)
            var high = 0
            var low = 0
            for bit in 0..<length * 8 {
                owner[bit / 8] ^= 1 << UInt8(bit % 8)
                let changed = key.fingerprint(.customer, owner: owner.span, cart: cart.span)
                owner[bit / 8] ^= 1 << UInt8(bit % 8)
                high += (changed.high ^ original.high).nonzeroBitCount
                low += (changed.low ^ original.low).nonzeroBitCount
            }
            for changed in [high, low] {
                let share = Double(changed) / Double(length * 8 * 64)
                #expect(abs(share - 0.5) < 0.12, "\(length) bytes: \(share)")
            }
        }
    }
}
