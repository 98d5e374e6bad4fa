/// A fixed share of all carts, by which several processes divide one migration between them.
///
/// Which shard a cart belongs to follows from its id and the number of shards alone: it is the same on every machine
/// and in every version.
package struct Shard: Sendable, Hashable {
    /// From 0 to one less than the count.
    let index: Int
    /// At least 1.
    let count: Int

    /// The most shards: far more than one store's rate can feed.
    static let most = 10_000

    /// Returns nil unless the index is one of a count from 1 to 10,000.
    package init?(_ index: Int, of count: Int) {
        guard (1...Self.most).contains(count), (0..<count).contains(index) else { return nil }
        self.index = index
        self.count = count
    }

    /// Reads `I/N`, the index from 0; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]) else { return nil }
        self.init(index, of: count)
    }

    /// Whether the cart of this id, in UTF-8, belongs to the shard.
    package func contains(cart: Span<UInt8>) -> Bool {
        // FNV-1a, whose low bits alone are uneven, and a last mixing step (MurmurHash3's) that spreads them.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in cart.indices { hash = (hash ^ UInt64(cart[index])) &* 0x100_0000_01B3 }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        hash ^= hash >> 33
        return hash % UInt64(count) == UInt64(index)
    }

    package func contains(_ cart: CartID) -> Bool {
        let bytes = Array(cart.text.utf8)
        return contains(cart: bytes.span)
    }
}
