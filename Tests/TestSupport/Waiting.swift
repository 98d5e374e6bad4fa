/// A condition that did not come to hold.
package struct TimedOut: Error {}

/// Waits until a condition holds that another task or process brings about, and gives up after a while.
///
/// It sleeps between two looks: a loop of `Task.yield` would keep the few threads of all tests busy.
package func eventually(
    within limit: Duration = .seconds(300), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    var pause = Duration.milliseconds(1)
    while ContinuousClock.now < end, !Task.isCancelled {
        if try await condition() { return true }
        try? await ContinuousClock().sleep(for: pause)
        pause = min(pause * 2, .milliseconds(20))
    }
    return try await condition()
}

/// The same for a test that cannot go on before the condition holds.
///
/// - Throws: `TimedOut`, or what the condition throws.
package func wait(
    within limit: Duration = .seconds(300), until condition: () async throws -> Bool
) async throws {
    guard try await eventually(within: limit, condition) else { throw TimedOut() }
}
