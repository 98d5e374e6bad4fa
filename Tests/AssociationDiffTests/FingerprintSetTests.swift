import AssociationDiff
import CartAssociations
import TestSupport
import Testing

@Suite("Sets of fingerprints")
struct FingerprintSetTests {
    @Test("behaves as a set, with collisions and zeros", arguments: 0..<8 as Range<UInt64>)
    func likeSet(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var model: Set<Fingerprint> = []
        var set = FingerprintSet(minimumCapacity: Int.random(in: 0...300, using: &generator))
        for step in 0..<300 {
            // Few low halves, so that slots collide; the all-zero fingerprint is among them.
            let fingerprint = Fingerprint(
                high: UInt64.random(in: 0..<30, using: &generator),
                low: UInt64.random(in: 0..<8, using: &generator) << (Bool.random(using: &generator) ? 0 : 60))
            if Bool.random(using: &generator) {
                #expect(set.insert(fingerprint) == model.insert(fingerprint).inserted, "seed \(seed), \(step)")
            } else {
                #expect(set.contains(fingerprint) == model.contains(fingerprint), "seed \(seed), \(step)")
            }
            #expect(set.count == model.count, "seed \(seed), \(step)")
        }
        for high in 0..<30 as Range<UInt64> {
            for low in 0..<8 as Range<UInt64> {
                for shift in [0, 60] as [UInt64] {
                    let fingerprint = Fingerprint(high: high, low: low << shift)
                    #expect(set.contains(fingerprint) == model.contains(fingerprint), "seed \(seed)")
                }
            }
        }
    }

    @Test("grows from nothing to many")
    func grows() {
        var generator = SeededGenerator(seed: 1)
        let many = (0..<20_000).map { _ in Fingerprint(high: generator.next(), low: generator.next()) }
        var set = FingerprintSet()
        #expect(set.isEmpty)
        for fingerprint in many { set.insert(fingerprint) }
        #expect(set.count == 20_000)
        #expect(many.allSatisfy(set.contains))
        #expect(!set.contains(Fingerprint(high: 1, low: 2)))
    }
}
