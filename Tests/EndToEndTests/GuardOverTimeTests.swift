import CommerceSandbox
import TestSupport
import Testing

/// What no single run would be refused for.
@Suite("guards over time")
struct GuardOverTimeTests {
    /// In no order, so that what is missing is not missing at the end.
    private func csv(_ numbers: ClosedRange<Int>) -> String {
        let lines = numbers.sorted { ($0 % 10, $0) < ($1 % 10, $1) }.map { "c-\($0),cart-\($0)\n" }
        return "customer_id,cart_id\n" + lines.joined()
    }

    @Test("small deletes one after the other are refused together, and a person's number lifts that")
    func emptying() async throws {
        try await withShop { shop in
            func sync(_ numbers: ClosedRange<Int>, _ flags: String...) async throws -> Program.Result {
                let path = try shop.folder.write(csv(numbers), to: "night.csv")
                return try await shop.start(["sync", "--yes", "--rate", "1000"] + flags + [path]).result()
            }
            #expect(try await sync(1...120).status == 0)
            #expect(try await sync(1...108).status == 0)
            let first = try #require(shop.folder.names(in: "state/runs").last)
            let second = try await sync(1...95)
            #expect(second.status == 3, "\(second.errors)")
            #expect(
                second.errors.contains(
                    "the window guard refuses: 25 deletes of 120 associations in scope, more than 20 %"))
            #expect(second.errors.contains("together with the 12 of run \(first)"), "\(second.errors)")
            #expect(second.lastLine.contains("--max-deletes 13"))
            #expect(shop.associations.count == 108)
            #expect(try await sync(1...95, "--max-deletes", "13").status == 0)
            // What a person allowed does not count.
            #expect(try await sync(1...90).status == 0)
            #expect(shop.associations.count == 90)
        }
    }

    @Test("what shoppers made and an export only confirmed is deleted in small numbers only")
    func adopted() async throws {
        let carts = (1...150).map { SandboxCart(id: "cart-\($0)", customers: ["c-\($0)"]) }
        try await withShop(SandboxOptions(carts: carts)) { shop in
            let path = try shop.folder.write(csv(1...150), to: "night.csv")
            #expect(try await shop.cartsync("sync", "--yes", path).status == 0)
            _ = try shop.folder.write(csv(1...125), to: "night.csv")
            let result = try await shop.cartsync("sync", "--yes", "--rate", "1000", path)
            #expect(result.status == 3, "\(result.errors)")
            #expect(
                result.errors.contains(
                    "the adopted guard refuses: 25 of the 150 associations in scope that were there before an export "
                        + "named them would be deleted, more than 5 %"), "\(result.errors)")
            #expect(shop.associations.count == 150)
            _ = try shop.folder.write(csv(1...130), to: "night.csv")
            #expect(try await shop.cartsync("sync", "--yes", "--rate", "1000", path).status == 0)
            #expect(shop.associations.count == 130)
        }
    }
}
