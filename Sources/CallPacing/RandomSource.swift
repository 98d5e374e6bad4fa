/// Where random numbers come from: of waits before repetitions, and of the ends of runs' ids. The program takes the
/// system's; a simulation passes in its own, so that its seed repeats everything.
package struct RandomSource: RandomNumberGenerator, Sendable {
    private let draw: @Sendable () -> UInt64

    package init(_ draw: @escaping @Sendable () -> UInt64) { self.draw = draw }

    package static let system = RandomSource {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    package mutating func next() -> UInt64 { draw() }
}
