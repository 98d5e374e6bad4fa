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
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    private func token(_ url: String) async throws -> String {
        let form = "client_id=sandbox-id&client_secret=sandbox-secret&grant_type=client_credentials"
        let answer = try await call(.POST, url + "/oauth/access_token", form, form: true)
        return try #require(answer.body.firstMatch(of: #/"access_token":"([^"]+)"/#).map { String($0.1) })
    }

    @Test(
        "a seed file has a hundred thousand customers, with e-mails that are there twice only where that is asked for")
    func customers() async throws {
        let folder = try TemporaryFolder()
        func seed(_ last: String) throws -> String {
            let customers = (0..<100_000).map {
                #"{"id":"c-\#($0)","email":"\#($0 == 99_999 ? last : "u\($0)@x.example")"}"#
            }
            return try folder.write(
                #"{"carts":[],"customers":[\#(customers.joined(separator: ","))]}"#, to: "seed.json")
        }
        let path = try seed("U7@x.example")
        let refused = try await Program.run(["sandbox", "--port", "0", "--seed", path])
        #expect(refused.status == 65, "\(refused.errors)")
        #expect(
            refused.errors.contains("customers[99999]: the e-mail U7@x.example is there twice"), "\(refused.errors)")
        let (program, url) = try await start("--seed", path, "--behaviour", "duplicate-emails=true")
        let token = try await token(url)
        func found(_ filter: String) async throws -> Int {
            let answer = try await call(.GET, url + "/v2/customers?filter=\(filter)&page%5Blimit%5D=100", token: token)
            return answer.body.matches(of: #/"type":"customer"/#).count
        }
        #expect(try await found("eq(email,%22u7@x.example%22)") == 2)
        #expect(try await found("eq(email,%22u8@X.example%22)") == 1)
        #expect(try await found("gt(id,c-99990):le(id,c-99999)") == 9)
        #expect(try await call(.PUT, url + "/sandbox/behaviour", #"{"email-case":"significant"}"#).status == 200)
        #expect(try await found("eq(email,%22u7@x.example%22)") == 1)
        program.send(signal: 15)
        _ = try await program.result()
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
