import Logging
import ServiceLifecycle
import TestSupport
import Testing

@testable import CommerceSandbox

@Suite("Traffic")
struct TrafficTests {
    @Test("calls above the rate limit get 429 until the second has slid on")
    func rateLimit() async throws {
        let clock = HandTurnedClock()
        try await withSandbox(SandboxOptions(rateLimit: 3), clock: clock) { (sandbox, client) async throws in
            // The token was the first call of this second.
            #expect(try await client.call("GET", "/v2/carts").status == 200)
            clock.advance(.milliseconds(500))
            #expect(try await client.call("GET", "/v2/carts").status == 200)
            let refused = try await client.call("GET", "/v2/carts")
            #expect(refused.status == 429)
            #expect(refused.body == #"{"errors":[{"status":429,"title":"Too Many Requests"}]}"#)
            #expect(refused.headers["retry-after"] == nil)
            clock.advance(.milliseconds(499))
            #expect(try await client.call("GET", "/v2/carts").status == 429)
            clock.advance(.milliseconds(1))
            #expect(try await client.call("GET", "/v2/carts").status == 200)
            #expect(try await client.call("GET", "/v2/carts").status == 200)
            #expect(try await client.call("GET", "/v2/carts").status == 429)
            #expect(sandbox.statistics().count(.list, 429) == 3)
            #expect(sandbox.statistics().busiestSecond == 6)
        }
    }

    @Test("Retry-After comes as seconds or as a date")
    func retryAfter() async throws {
        let forms: [(SandboxBehaviour.RetryAfter, String)] = [
            (.seconds(3), "3"), (.date(seconds: 5), "Sat, 21 Feb 2026 15:07:30 GMT"),
        ]
        for (form, text) in forms {
            var options = SandboxOptions(rateLimit: 1)
            options.behaviour.retryAfter = form
            try await withSandbox(options, clock: HandTurnedClock()) { (_, client) async throws in
                #expect(try await client.call("GET", "/v2/carts").headers["retry-after"] == text)
            }
        }
    }

    @Test("the sliding second counts what a full look at all times counts", arguments: 1...10 as ClosedRange<UInt64>)
    func slidingSecond(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var second = SlidingSecond()
        var times: [Duration] = []
        var now = Duration.zero
        var most = 0
        for _ in 0..<600 {
            now += .milliseconds(Int64.random(in: 0...20, using: &random))
            // Threads bring what they saw a little out of order.
            let time = max(.zero, now - .milliseconds(Int64.random(in: 0...60, using: &random)))
            times.append(time)
            most = max(most, second.add(time))
            let latest = times.max() ?? time
            #expect(second.count(now: latest) == times.count { latest - $0 < .seconds(1) }, "seed \(seed)")
        }
        let expected = times.map { end in times.count { $0 <= end && end - $0 < .seconds(1) } }.max()
        #expect(most == expected, "seed \(seed)")
    }

    @Test("the order by update is that of a plain list, whatever is done", arguments: 1...10 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var index = CartIndex()
        var expected: [Cart] = []
        for step in 0..<600 {
            let id = "cart-\(Int.random(in: 0..<40, using: &random))"
            let place = expected.firstIndex { $0.id == id }
            if Int.random(in: 0..<5, using: &random) == 0 {
                index.remove(id)
                if let place { expected.remove(at: place) }
            } else {
                var cart = Cart(id: id, name: "\(step)", created: 0, updated: step)
                if Bool.random(using: &random) { cart.customers = ["c-\(Int.random(in: 0..<5, using: &random))"] }
                let moved = place == nil || Bool.random(using: &random)
                index.store(cart, moved: moved)
                if let place, moved { expected.remove(at: place) }
                if moved { expected.append(cart) } else if let place { expected[place] = cart }
            }
            guard step % 20 == 0 else { continue }
            for selection in [
                CartSelection(), CartSelection(registeredOnly: true),
                CartSelection(owner: SandboxOwner(kind: .customer, id: "c-1")), CartSelection(filter: .name("*1*")),
            ] {
                let wanted = expected.reversed().filter { cart in
                    (!selection.registeredOnly || cart.isRegistered)
                        && selection.owner.map { cart.customers.contains($0.id) } ?? true
                        && selection.filter.map { $0.matches(cart) } ?? true
                }
                let page = index.page(selection, offset: 3, limit: 10) { Array($0.name.utf8) }
                let names = page.carts.map { String(decoding: $0, as: UTF8.self) }
                #expect(names == wanted.dropFirst(3).prefix(10).map(\.name), "seed \(seed), step \(step)")
                #expect(page.total == wanted.count, "seed \(seed), step \(step)")
            }
        }
    }

    @Test("latencies of a logarithmic normal distribution have the median and the tail asked for")
    func lognormal() {
        var random = SplitMix64(seed: 3)
        let factors = (0..<20_000).map { _ in random.lognormalFactor(sigma: 0.8) }.sorted()
        #expect((0.97...1.03).contains(factors[10_000]))
        // exp(0.8 * 2.3263), the 99th percentile of the distribution.
        #expect((5.9...7.0).contains(factors[19_800]))
    }

    @Test("a taken port is told, and so is a sandbox that has stopped")
    func taken() async throws {
        try await withSandbox { (sandbox, _) async throws in
            let port = try await sandbox.port()
            var logger = Logger(label: "second")
            logger.logLevel = .critical
            let second = Sandbox(options: SandboxOptions(port: port), logger: logger)
            let failure = await #expect(throws: SandboxError.self) { try await second.run() }
            #expect(failure?.description.contains("127.0.0.1:\(port)") == true)
            await #expect(throws: SandboxError.self) { try await second.port() }
        }
    }

    @Test("it stops gracefully in a service group, even with a request that is stalled")
    func graceful() async throws {
        var logger = Logger(label: "sandbox")
        logger.logLevel = .critical
        let sandbox = Sandbox(logger: logger)
        let group = ServiceGroup(configuration: .init(services: [sandbox], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let client = try await SandboxClient(port: sandbox.port()).signedIn()
            defer { client.close() }
            sandbox.inject(SandboxFault(.stall, operation: .create))
            let request = try client.text("POST", "/v2/carts/a/relationships/customers", element(.customer, "c-1"))
            async let stalled = exchange(port: try await sandbox.port(), request)
            try await wait { sandbox.statistics().writes != 0 }
            await group.triggerGracefulShutdown()
            #expect(try await stalled == .finished(""))
            try await tasks.waitForAll()
            #expect(sandbox.associations().isEmpty)
        }
        await #expect(throws: SandboxError.self) { try await sandbox.port() }
    }
}
