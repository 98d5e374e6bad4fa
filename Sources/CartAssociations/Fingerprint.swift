/// A keyed 128-bit fingerprint of one association.
///
/// With a secret random key, two different associations share one with a chance of about 2^-128, even if the
/// export's values were chosen to collide.
package struct Fingerprint: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
