import CallPacing
import TestSupport

/// Random numbers of one matter of a world: that matter has its own, so that leaving another out changes none of them.
final class SeededRandom: @unchecked Sendable {
    private var generator: SeededGenerator

    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// The numbers of a matter, and of a night if it has some each night.
    convenience init(_ seed: UInt64, _ matter: String, _ night: Int = 0) {
        var mixed = SeededGenerator(seed: seed)
        for byte in matter.utf8 { mixed = SeededGenerator(seed: mixed.next() ^ UInt64(byte)) }
        // Mixed once more: the sums of two nights would make the numbers of one those of the other, a little later.
        var mixedNight = SeededGenerator(seed: mixed.next() ^ UInt64(night))
        self.init(mixedNight.next())
    }

    /// The same numbers as the program takes them.
    var source: RandomSource { RandomSource { self.generator.next() } }

    func next() -> UInt64 { generator.next() }
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    func index(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
    func isOneIn(_ draws: Int) -> Bool { index(draws) == 0 }
    func happens(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < share }
    func seconds(_ range: ClosedRange<Double>) -> Duration { .seconds(Double.random(in: range, using: &generator)) }
    func pick<Value>(_ values: [Value]) -> Value { values[index(values.count)] }
    func shuffled<Value>(_ values: [Value]) -> [Value] { values.shuffled(using: &generator) }

    /// About so many of the values, in their order.
    func some<Value>(of values: [Value], _ share: Double) -> [Value] { values.filter { _ in happens(share) } }

    /// Six characters that make a name which no damage turns into another.
    func name() -> String {
        let alphabet = Array("bcdfghjkmnpqrstvwxz23456789")
        return String((0..<6).map { _ in alphabet[index(alphabet.count)] })
    }

    func damage(_ bytes: [UInt8], by damage: Damage) -> [UInt8] { damage.applied(to: bytes, using: &generator) }
}
