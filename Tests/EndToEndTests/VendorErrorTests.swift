import CommerceSandbox
import Foundation
import TestSupport
import Testing

/// Every error that the vendor documents, or that was seen, from a server's answer to the line that a person reads.
@Suite("what a person reads of a store's error")
struct VendorErrorTests {
    struct Row: Sendable {
        let name: String
        let status: Int
        let body: String
        /// Words of ours, in the sentence.
        let meaning: String
        /// Words of the store.
        let words: String

        init(_ name: String, _ status: Int, _ body: String, _ meaning: String, says words: String = "") {
            self.name = name
            self.status = status
            self.body = body
            self.meaning = meaning
            self.words = words
        }
    }

    private static func error(_ members: String) -> String { #"{"errors":[{\#(members)}]}"# }

    static let rows: [Row] = [
        Row(
            "the type is missing or not customer", 400,
            error(#""status":400,"title":"The type does not exist or is not listed as customer""#),
            "does not accept this kind of owner", says: "is not listed as customer"),
        Row(
            "the type is not account, in the detail", 400,
            error(
                #""status":"400","title":"Bad Request","detail":"The type does not exist or is not listed as account""#),
            "does not accept this kind of owner", says: "is not listed as account"),
        Row(
            "more than one customer", 403, error(#""status":403,"title":"Cannot associate more than one customer""#),
            "accepts one owner in a call", says: "more than one customer"),
        Row(
            "no permission", 403,
            error(#""title":"Customer does not have the required permissions to fulfill this request""#),
            "may not do this with the cart", says: "required permissions"),
        Row(
            "an invalid payload, errors as an object", 403,
            #"{"errors":{"status":403,"title":"Invalid json payload"}}"#,
            "could not read the call", says: "Invalid json payload"),
        Row(
            "a contact e-mail: HTTP 422 whose body says 400", 422,
            error(
                #""detail":"Unable to associate customers to carts with contact emails attached.","status":400,"title":"Cannot associate customers to carts with contact emails""#
            ), "remove the e-mail from the cart first", says: "Unable to associate customers"),
        Row(
            "forbidden", 403, error(#""status":403,"title":"Forbidden""#),
            "the application key needs the right to manage carts", says: "Forbidden"),
        Row(
            "the vendor's other spelling of it", 403, error(#""status":"403","title":"Unauthorised call""#),
            "the application key needs the right to manage carts", says: "Unauthorised call"),
        Row(
            "not found", 404, error(#""status":404,"title":"Not Found","detail":"Cart not found""#),
            "does not know the cart or its owner", says: "Cart not found"),
        Row(
            "a conflict, given up on", 409,
            error(#""status":409,"detail":"Write conflict detected","title":"Conflict""#),
            "changed by somebody else", says: "Write conflict detected"),
        Row(
            "a server error with its request id", 500,
            error(
                #""status":500,"title":"Internal Server Error","detail":"There was an internal server error, you can report with your request id.","request_id":"r-4711""#
            ), "the store failed", says: "request id r-4711"),
        Row("HTML", 501, "<html><body>Not here</body></html>", "it begins: <html><body>Not here"),
        Row("an empty body", 400, "", "the store refused the call"),
        Row("no JSON", 400, "oops", "it begins: oops"),
        Row("JSON that is cut off", 400, #"{"errors":[{"title":"#, "it begins:"),
        Row(
            "a sign-in page with a 200", 200, "<!doctype html><title>Sign in</title>", "not one of the store's",
            says: "it begins: <!doctype html><title>Sign in"),
        Row("an empty 200", 200, "", "does not tell whether the change was made; it is empty"),
        Row("errors with a 200", 200, error(#""title":"no""#), "not one of the store's", says: #"{"errors":"#),
        Row(
            "a 200 about another owner", 200, #"{"data":[{"type":"customer","id":"c-2"}]}"#, "not one of the store's",
            says: #""id":"c-2""#),
        Row("a promise", 202, #"{"status":"queued"}"#, "not one of the store's", says: "queued"),
        Row("a gateway's own status", 520, "error code: 520", "the store failed", says: "error code: 520"),
        Row(
            "an error that stands alone", 422, #"{"status":422,"title":"Bad","detail":"Worse"}"#, "cannot do this",
            says: "Bad: Worse"),
        Row(
            "an error without a status", 400, error(#""title":"Bad Request","detail":"Could not parse""#), "refused",
            says: "Could not parse"),
    ]

    @Test("each error has a sentence of ours, the store's words, the status, and the record's line and file")
    func table() async throws {
        try await withShop { shop in
            var export = "customer_id,cart_id\n"
            for (number, row) in Self.rows.enumerated() {
                export += "c-1,cart-\(number)\n"
                shop.sandbox.inject(
                    SandboxFault(
                        .answer(status: row.status, body: row.body), operation: .create, cart: "cart-\(number)",
                        count: nil))
            }
            let path = try shop.folder.write(export + "c-1,cart-999\n", to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", "--rate", "500", path)
            #expect(result.status == 1, "\(result.errors)")
            #expect(shop.associations == ["c-1 cart-999"])
            let results = try shop.folder.read(try #require(shop.latestRun) + "/results.csv").split(
                whereSeparator: \.isNewline)
            let columns = try #require(results.first).split(separator: ",").map(String.init)
            let lineColumn = try #require(columns.firstIndex(of: "line"))
            for (number, row) in Self.rows.enumerated() {
                let found = results.first { $0.contains("cart-\(number),") || $0.contains("cart-\(number)\"") }
                let said = String(try #require(found, "\(row.name)")).replacing("\"\"", with: "\"")
                #expect(said.contains(row.meaning), "\(row.name): \(said)")
                #expect(row.words.isEmpty || said.contains(row.words), "\(row.name): \(said)")
                #expect(said.contains("(HTTP \(row.status)"), "\(row.name): \(said)")
                let cells = said.split(separator: ",", omittingEmptySubsequences: false)
                #expect(cells[lineColumn] == "\(number + 2)", "\(row.name): \(said)")
            }
            // What a person sees first has the line too.
            #expect(result.output.contains("line 2"), "\(result.output)")
        }
    }

    @Test("a token that is refused twice stops the run with the store's words, and no record is to blame")
    func expired() async throws {
        try await withShop { shop in
            let body = Self.error(#""status":401,"title":"Unable to validate access token""#)
            shop.sandbox.inject(SandboxFault(.answer(status: 401, body: body), operation: .create, count: nil))
            let path = try shop.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", path)
            #expect(result.status == 77)
            #expect(result.errors.contains("Unable to validate access token (HTTP 401)"), "\(result.errors)")
        }
    }

    @Test("rate limited is waited out and is no failure")
    func rateLimited() async throws {
        try await withShop { shop in
            let body = Self.error(#""status":429,"title":"...""#)
            shop.sandbox.inject(
                SandboxFault(.answer(status: 429, headers: ["Retry-After": "0"], body: body), operation: .create))
            let path = try shop.folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "e.csv")
            let result = try await shop.cartsync("sync", "--yes", path)
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.associations == ["c-1 cart-1"])
        }
    }
}
