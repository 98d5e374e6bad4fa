package import CartAssociations

/// A set of fingerprints: 16 bytes each in an open-addressing table, at most three quarters full.
package struct FingerprintSet: Sendable {
    private var slots: [Fingerprint]
    private var mask: Int
    /// Whether the fingerprint that marks empty slots, all zeros, is in the set.
    private var holdsZero = false
    package private(set) var count = 0

    /// An empty set with room for this many before it grows.
    package init(minimumCapacity: Int = 0) {
        var size = 16
        while size * 3 / 4 < minimumCapacity { size *= 2 }
        slots = [Fingerprint](repeating: Fingerprint(high: 0, low: 0), count: size)
        mask = size - 1
    }

    package var isEmpty: Bool { count == 0 }

    package func contains(_ fingerprint: Fingerprint) -> Bool {
        if isEmpty(fingerprint) { return holdsZero }
        return !isEmpty(slots[slot(of: fingerprint)])
    }

    /// Returns whether it was new.
    @discardableResult
    package mutating func insert(_ fingerprint: Fingerprint) -> Bool {
        if isEmpty(fingerprint) {
            guard !holdsZero else { return false }
            holdsZero = true
            count += 1
            return true
        }
        if (count + 1) * 4 > slots.count * 3 { grow() }
        let slot = slot(of: fingerprint)
        guard isEmpty(slots[slot]) else { return false }
        slots[slot] = fingerprint
        count += 1
        return true
    }

    private func isEmpty(_ slot: Fingerprint) -> Bool { slot.low == 0 && slot.high == 0 }

    private func home(of fingerprint: Fingerprint) -> Int {
        Int(truncatingIfNeeded: fingerprint.low) & mask
    }

    /// The slot that holds the fingerprint, or the empty one in which it belongs.
    private func slot(of fingerprint: Fingerprint) -> Int {
        var slot = home(of: fingerprint)
        // Halves are compared one by one: the compiler would call the struct's comparison across the module.
        while !isEmpty(slots[slot]) && (slots[slot].low != fingerprint.low || slots[slot].high != fingerprint.high) {
            slot = (slot + 1) & mask
        }
        return slot
    }

    private mutating func grow() {
        let old = slots
        slots = [Fingerprint](repeating: Fingerprint(high: 0, low: 0), count: old.count * 2)
        mask = slots.count - 1
        for fingerprint in old where !isEmpty(fingerprint) {
            slots[slot(of: fingerprint)] = fingerprint
        }
    }
}
