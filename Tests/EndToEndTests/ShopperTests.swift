import CommerceSandbox
import Foundation
import TestSupport
import Testing

@Suite("shoppers' own tokens")
struct ShopperTests {
    private func token(_ owner: String, _ kind: SandboxOwnerKind = .customer) -> String {
        Sandbox.shopperToken(kind, owner)
    }

    private func environment(_ shop: Shop) -> [String: String] {
        var environment = shop.environment
        // An implicit token needs no secret.
        environment["EPCC_CLIENT_SECRET"] = nil
        environment["CARTSYNC_API_AUTHENTICATION"] = "shopper"
        return environment
    }

    private func run(_ shop: Shop, _ arguments: String..., input: String? = nil) async throws -> Program.Result {
        try await Program.run(arguments, environment: environment(shop), input: input, in: shop.folder.path)
    }

    @Test("customers and accounts are synced, each with the token of its record, and never with client credentials")
    func sync() async throws {
        try await withShop(.carts(SandboxCart(id: "cart-3", customers: ["c-1"]))) { shop in
            let customers =
                "customer_id,cart_id,customer_token\nc-1,cart-1,\(token("c-1"))\nc-2,cart-2,\(token("c-2"))\n"
            let accounts =
                "<a><r account_id=\"a-1\" cart_id=\"cart-4\" account_token=\"\(token("a-1", .account))\"/></a>"
            let first = try shop.folder.write(customers, to: "customers.csv")
            let second = try shop.folder.write(accounts, to: "accounts.xml")
            let result = try await run(shop, "sync", "--yes", first, second)
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations == ["c-1 cart-1", "c-1 cart-3", "c-2 cart-2", "a-1 cart-4"])
            #expect(result.output.contains("the listings of 3 shoppers are complete"), "\(result.output)")

            // What the export no longer wants is deleted, what it never asserted stays.
            _ = try shop.folder.write(
                customers.replacing("c-2,cart-2", with: "c-2,cart-5"), to: "customers.csv")
            let next = try await run(shop, "sync", "--yes", first, second)
            #expect(next.status == 0, "\(next.errors)")
            #expect(shop.associations == ["c-1 cart-1", "c-1 cart-3", "c-2 cart-5", "a-1 cart-4"])
            #expect(shop.sandbox.statistics().mixedCredentials == 0)
            #expect(shop.sandbox.statistics().malformed == 0)
        }
    }

    @Test("an owner without a token is rejected with what is missing, and the rest is done")
    func withoutToken() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(
                "customer_id,cart_id,customer_token\nc-1,cart-1,\(token("c-1"))\nc-2,cart-2,\n", to: "e.csv")
            let result = try await run(shop, "sync", "--yes", path)
            #expect(result.status == 1)
            #expect(result.output.contains("no customer token"), "\(result.output)")
            #expect(shop.associations == ["c-1 cart-1"])
        }
    }

    @Test("a token that the store refuses costs its own record only")
    func refusedToken() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(
                "customer_id,cart_id,customer_token\nc-1,cart-1,stale-token-77\nc-2,cart-2,\(token("c-2"))\n",
                to: "e.csv")
            let result = try await run(shop, "sync", "--yes", "--current", "none", path)
            #expect(result.status == 1)
            #expect(result.output.contains("own token: it has ended"), "\(result.output)")
            #expect(!(result.output + result.errors).contains("stale-token-77"))
            #expect(shop.associations == ["c-2 cart-2"])
        }
    }

    @Test("one refused token after the other stops the run, which goes on with a fresh export")
    func allRefused() async throws {
        try await withShop { shop in
            // Each call is made once more with a fresh access token before the shopper's is held to be bad.
            shop.sandbox.inject(SandboxFault(.answer(status: 401), operation: .create, count: 60))
            let header = "customer_id,cart_id,customer_token\n"
            let path = try shop.folder.write(
                header + (1...80).map { "c-\($0),cart-\($0),\(token("c-\($0)"))\n" }.joined(), to: "e.csv")
            let stopped = try await run(shop, "sync", "--yes", "--rate", "1000", "--current", "none", path)
            #expect(stopped.status == 77, "\(stopped.errors)")
            #expect(stopped.errors.contains("fresh tokens"), "\(stopped.errors)")
            #expect(shop.sandbox.statistics().count(.create) < 80)

            // Written again: other bytes, other tokens, the same run.
            _ = try shop.folder.write(
                header + (1...80).reversed().map { "c-\($0),cart-\($0),\(token("c-\($0)"))\n" }.joined(), to: "e.csv")
            let run = try #require(shop.folder.names(in: "state/runs").last)
            let resumed = try await self.run(shop, "runs", "resume", "--rate", "1000", run)
            #expect([0, 1].contains(resumed.status), "\(resumed.errors)")
            #expect(shop.associations.count >= 40)
        }
    }

    @Test("a saved plan is applied with the tokens of its export")
    func savedPlan() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(
                "customer_id,cart_id,customer_token\nc-1,cart-1,\(token("c-1"))\n", to: "e.csv")
            let plan = shop.folder.path("night.plan")
            #expect(try await run(shop, "plan", "--out", plan, path).status == 0)
            let result = try await run(shop, "apply", "--yes", plan)
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations == ["c-1 cart-1"])
        }
    }

    @Test("a plan whose export came from standard input says that its tokens are gone")
    func savedPlanOfStandardInput() async throws {
        try await withShop { shop in
            let export = "customer_id,cart_id,customer_token\nc-1,cart-1,\(token("c-1"))\n"
            let plan = shop.folder.path("night.plan")
            #expect(try await run(shop, "plan", "--out", plan, "-", input: export).status == 0)
            let result = try await run(shop, "apply", "--yes", plan)
            #expect(result.status == 66, "\(result.errors)")
            #expect(result.errors.contains("tokens are never kept"), "\(result.errors)")
            #expect(shop.associations.isEmpty)
        }
    }

    @Test("a run is taken back with the tokens of its export")
    func undo() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(
                "customer_id,cart_id,customer_token\nc-1,cart-1,\(token("c-1"))\n", to: "e.csv")
            #expect(try await run(shop, "sync", "--yes", path).status == 0)
            let made = try #require(shop.folder.names(in: "state/runs").last)
            let result = try await run(shop, "runs", "undo", "--yes", made)
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations.isEmpty)
        }
    }

    @Test("a canary is looked up shopper by shopper")
    func canary() async throws {
        try await withShop { shop in
            let path = try shop.folder.write(
                "customer_id,cart_id,customer_token\nc-1,cart-1,\(token("c-1"))\nc-2,cart-2,\(token("c-2"))\n",
                to: "e.csv")
            var environment = environment(shop)
            environment["CARTSYNC_RUN_CANARY"] = "1"
            let result = try await Program.run(["sync", "--yes", path], environment: environment)
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations.count == 2)
        }
    }
}
