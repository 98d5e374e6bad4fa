import CommerceSandbox
import Foundation
import NIOCore
import NIOPosix
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

    @Test("500 half-open connections to the page of a service slow no run")
    func halfOpenConnections() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let program = try shop.start([
                "serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--settle", "200ms", "--http",
                "127.0.0.1:0", "--rate", "100",
            ])
            let url = try #require(URL(string: try await program.pageURL()))
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            var channels: [any Channel] = []
            for _ in 0..<500 {
                let channel = try await bootstrap.connect(host: "127.0.0.1", port: url.port ?? 0).get()
                try await channel.writeAndFlush(ByteBuffer(string: "POST / HTTP/1.1\r\nHost: local"))
                channels.append(channel)
            }
            _ = try shop.folder.write(numbered(1...300), to: "inbox/first.csv")
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("first.csv") })
            let report = try shop.report()
            // At 100 a second these take three seconds; the machine may be busy with other things, too.
            #expect(report.latency.rate.achieved > 80, "\(report.latency.rate.achieved) a second")
            for channel in channels { try? await channel.close() }
            program.send(signal: SIGTERM)
            #expect(try await program.result().status == 0)
        }
    }
}
