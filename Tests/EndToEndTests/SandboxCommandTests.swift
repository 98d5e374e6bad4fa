import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@Suite("the sandbox as a command")
struct SandboxCommandTests {
    private func start(_ arguments: String...) async throws -> (Program, url: String) {
        let program = try Program(["sandbox", "--port", "0"] + arguments)
        var url: String?
        _ = try await eventually {
            url = try program.outputSoFar().firstMatch(of: #/EPCC_API_BASE_URL=(\S+)/#).map { String($0.1) }
            return url != nil
        }
        return (program, try #require(url))
    }

    private func call(
        _ method: HTTPMethod, _ url: String, _ body: String = "", token: String? = nil, form: Bool = false
    ) async throws -> (status: Int, body: String) {
        var request = HTTPClientRequest(url: url)
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        request.headers.add(
            name: "Content-Type", value: form ? "application/x-www-form-urlencoded" : "application/json")
        if !body.isEmpty { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    private func token(_ url: String) async throws -> String {
        let form = "client_id=sandbox-id&client_secret=sandbox-secret&grant_type=client_credentials"
        let answer = try await call(.POST, url + "/oauth/access_token", form, form: true)
        return try #require(answer.body.firstMatch(of: #/"access_token":"([^"]+)"/#).map { String($0.1) })
    }

    @Test("faults and behaviours come from the command line and change while it runs; it says what it saw")
    func faults() async throws {
        let folder = try TemporaryFolder()
        let seed = try folder.write(
            #"{"carts":[{"id":"cart-1","customers":["c-1"]}],"customers":["c-9"]}"#, to: "seed.json")
        let (program, url) = try await start(
            "--seed", seed, "--behaviour", "unknown-cart=404", "--behaviour", "unknown-owner=404", "--token-lifetime",
            "2h", "--random-seed", "7", "--fault", #"{"action":"answer","status":503,"operation":"list","count":1}"#)
        let token = try await token(url)
        #expect(try await call(.GET, url + "/v2/carts", token: token).status == 503)
        #expect(try await call(.GET, url + "/v2/carts", token: token).status == 200)
        func give(_ owner: String, _ cart: String) async throws -> Int {
            try await call(
                .POST, url + "/v2/carts/\(cart)/relationships/customers",
                #"{"data":[{"type":"customer","id":"\#(owner)"}]}"#, token: token
            ).status
        }
        #expect(try await give("c-9", "cart-1") == 200)
        #expect(try await give("c-9", "no-cart") == 404)
        #expect(try await give("nobody", "cart-1") == 404)
        #expect(try await call(.PUT, url + "/sandbox/behaviour", #"{"unknown-cart":"creates"}"#).status == 200)
        #expect(try await give("c-9", "no-cart") == 200)
        let fault = #"{"action":"answer","status":500,"operation":"create"}"#
        #expect(try await call(.POST, url + "/sandbox/faults", fault).status == 204)
        #expect(try await give("c-9", "cart-1") == 500)
        #expect(try await call(.DELETE, url + "/sandbox/faults").status == 204)
        #expect(try await give("c-9", "cart-1") == 204)
        let associations = try await call(.GET, url + "/sandbox/associations").body
        #expect(
            associations
                == "cart_id,owner_type,owner_id\ncart-1,customer,c-1\ncart-1,customer,c-9\nno-cart,customer,c-9\n")
        #expect(try await call(.GET, url + "/sandbox/stats").body.contains("\"autoCreatedCarts\" : 1"))
        program.send(signal: SIGTERM)
        #expect(try await program.result().status == 0)
    }

    @Test(
        "what it cannot do is a wrong command line, with what there is",
        arguments: [
            (["--fault", #"{"action":"explode"}"#], "is one of"), (["--behaviour", "unknown-cart=maybe"], "creates"),
            (["--behaviour", "nonsense=1"], "unknown-cart"), (["--behaviour", "listing"], "NAME=VALUE"),
            (["--token-lifetime", "soon"], "--token-lifetime"), (["--tls-key", "a.pem"], "go together"),
        ])
    func wrong(arguments: [String], words: String) async throws {
        let result = try await Program.run(["sandbox"] + arguments)
        #expect(result.status == 64)
        #expect(result.errors.contains(words), "\(result.errors)")
    }

    @Test("a certificate that is none is said so")
    func wrongCertificate() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("no certificate", to: "a.pem")
        let result = try await Program.run(["sandbox", "--port", "0", "--tls-certificate", file, "--tls-key", file])
        #expect(result.status != 0)
        #expect(result.errors.contains("PEM"), "\(result.errors)")
    }

    @Test("its help names every behaviour")
    func help() async throws {
        let help = try await Program.run(["sandbox", "--help"]).output
        for name in ["unknown-cart", "missing-association", "listing-lag", "retry-after", "unknown-owner"] {
            #expect(help.contains(name), "\(name)")
        }
    }
}
