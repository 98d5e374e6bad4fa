import Foundation
import TestSupport
import Testing

@Suite("health")
struct HealthTests {
    @Test("the command is content with a service that polls, and with nothing else")
    func health() async throws {
        try await withShop { shop in
            let service = try await WaitingService.start(shop)
            let address = try #require(service.url.split(separator: "/").last.map(String.init))
            let well = try await shop.cartsync("health", "--http", address)
            #expect(well.status == 0, "\(well.errors)")
            _ = try await service.end()
            let gone = try await shop.cartsync("health", "--http", address)
            #expect(gone.status == 69, "\(gone.errors)")
            let off = try await shop.cartsync("health", "--http", "off")
            #expect(off.status == 78, "\(off.errors)")
        }
    }
}
