import Testing

@testable import cartsync

@Suite("signals")
struct SignalTests {
    @Test("the first signal stops, its echo within half a second is the same one, a later one ends at once")
    func receive() {
        let start = ContinuousClock.now
        var received = ReceivedSignals()
        #expect(received.receive(at: start) == .stop)
        #expect(received.receive(at: start + .milliseconds(1)) == .ignore)
        #expect(received.receive(at: start + .milliseconds(499)) == .ignore)
        #expect(received.receive(at: start + .milliseconds(500)) == .endNow)
    }
}
