import CommerceSandbox
import TestSupport
import Testing

/// What is measured here goes wrong if other tests keep the program from the processor for some 20 ms: `make test` runs
/// this suite after all others, alone.
@Suite("what a run measures, on a quiet machine", .serialized)
struct TimedTests {
    @Test("a store that stalls for two seconds shows in response time in proportion, and service time hides it")
    func stall() async throws {
        try await withShop { shop in
            shop.sandbox.inject(SandboxFault(.delay(.seconds(2)), operation: .create, first: 50))
            let path = try shop.folder.write(numbered(1...300), to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", "--rate", "100", "--concurrency", "1", path)
            #expect(result.status == 0, "\(result.errors)")
            let create = try #require(try shop.report().latency["create"])
            // One answer in 300 was slow.
            #expect(create.service.percentiles.max > 1900)
            #expect(create.service.percentiles.p99 < 500, "\(create.service.percentiles)")
            // About 200 calls were due while it was out, and came up to two seconds late.
            #expect(create.response.percentiles.p50 > 300, "\(create.response.percentiles)")
            #expect(create.response.percentiles.p90 > 1200, "\(create.response.percentiles)")
        }
    }
}
