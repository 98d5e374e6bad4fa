import CartAssociations
import Testing

@testable import CommerceAPI

@Suite("what an answer means")
struct ClassificationTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let exchange: Exchange
        let operation: Operation
        let answer: AnswerClass
        let isRepeatable: Bool

        init(
            _ status: Int, _ body: String = "", fault: ConnectionFault? = nil, is answer: AnswerClass,
            again isRepeatable: Bool = false, on operation: Operation = .create
        ) {
            exchange = .answer(Answer(status: status, body: Array(body.utf8), bodyFault: fault))
            self.operation = operation
            self.answer = answer
            self.isRepeatable = isRepeatable
        }

        init(_ fault: ConnectionFault) {
            exchange = .noAnswer(fault)
            operation = .create
            answer = .connection
            isRepeatable = true
        }

        var testDescription: String { "\(operation.rawValue): \(exchange.status.map(String.init) ?? "no answer")" }
    }

    static let rows: [Row] = [
        Row(200, #"{"data":[]}"#, is: .success), Row(200, "null", is: .success), Row(200, "<html>", is: .success),
        Row(201, is: .success), Row(202, is: .success), Row(204, is: .success),
        Row(200, fault: .timeout(.seconds(30)), is: .success),
        Row(204, is: .success, on: .delete), Row(200, is: .success, on: .delete), Row(404, is: .success, on: .delete),
        Row(404, "<html>no</html>", is: .success, on: .delete),
        Row(404, is: .refused, on: .create), Row(404, is: .refused, on: .list), Row(404, is: .refused, on: .token),
        Row(301, is: .refused), Row(302, is: .refused, on: .list), Row(308, is: .refused, on: .token),
        Row(400, is: .refused), Row(405, is: .refused), Row(410, is: .refused), Row(413, is: .refused),
        Row(423, is: .refused),
        Row(
            422, #"{"errors":[{"status":400,"title":"Cannot associate customers to carts with contact emails"}]}"#,
            is: .refused),
        Row(401, is: .unauthorized), Row(401, is: .unauthorized, on: .token), Row(401, is: .unauthorized, on: .list),
        Row(403, is: .forbidden), Row(403, "<html>", is: .forbidden),
        Row(403, #"{"errors":[{"status":403,"title":"Forbidden"}]}"#, is: .forbidden),
        Row(403, #"{"errors":[{"status":"403","title":"Unauthorised call"}]}"#, is: .forbidden),
        Row(403, #"{"errors":[{"title":"Cannot associate more than one customer"}]}"#, is: .refused),
        Row(403, #"{"errors":[{"detail":"Cannot associate more than one account"}]}"#, is: .refused),
        Row(403, #"{"errors":{"title":"Invalid JSON payload"}}"#, is: .refused),
        Row(
            403,
            #"{"errors":[{"title":"x","detail":"Customer does not have the required permissions to fulfill this request"}]}"#,
            is: .refused),
        Row(408, is: .serverError, again: true), Row(409, is: .serverError, again: true),
        Row(409, is: .refused, on: .createCart), Row(400, is: .refused, on: .createCart),
        Row(429, is: .rateLimited, again: true), Row(429, "<html>", is: .rateLimited, again: true),
        Row(500, is: .serverError, again: true), Row(500, "<html>", is: .serverError, again: true, on: .list),
        Row(502, is: .serverError, again: true), Row(503, is: .serverError, again: true, on: .token),
        Row(504, is: .serverError, again: true), Row(501, is: .serverError), Row(505, is: .serverError),
        Row(599, is: .serverError),
        Row(.cannotConnect("refused")), Row(.lost("reset")), Row(.timeout(.seconds(30))), Row(.tooLarge(1)),
    ]

    @Test("every status, body and connection fault has its class", arguments: rows)
    func table(row: Row) {
        let judged = Classification(row.exchange, for: row.operation)
        #expect(judged.answer == row.answer)
        #expect(judged.isRepeatable == row.isRepeatable)
    }

    @Test("a success whose body is not what was asked for is no success, and asked for again")
    func notUnderstood() {
        let garbage = Classification(.answer(Answer(status: 200)), for: .list, isUnderstood: false)
        #expect(garbage.answer == .serverError)
        #expect(garbage.isRepeatable)
        let cut = Answer(status: 200, bodyFault: .lost("closed"))
        #expect(Classification(.answer(cut), for: .list, isUnderstood: false).answer == .connection)
    }

    @Test("a repetition after no connection is known to be harmless, one after a reset is not")
    func uncertainty() {
        #expect(!ConnectionFault.cannotConnect("refused").mayHaveTakenEffect)
        #expect(ConnectionFault.lost("reset").mayHaveTakenEffect)
        #expect(ConnectionFault.timeout(.seconds(1)).mayHaveTakenEffect)
    }
}

@Suite("the store's error bodies")
struct VendorErrorsTests {
    @Test(
        "errors are read in every shape",
        arguments: [
            (#"{"errors":[{"status":400,"title":"T","detail":"D"}]}"#, "T: D"),
            (#"{"errors":[{"status":"400","title":"T"}]}"#, "T"),
            (#"{"errors":[{"detail":"D"}]}"#, "D"),
            (#"{"errors":{"title":"T","detail":"D"}}"#, "T: D"),
            (#"{"status":422,"title":"T","detail":"D"}"#, "T: D"),
            (#"{"errors":[{"title":"T"},{"title":"U","detail":"E"}]}"#, "T; U: E"),
            (#"{"errors":[{"title":"T","detail":"T"},{"title":"T"}]}"#, "T"),
            (#"{"errors":["T"]}"#, "T"),
            (#"{"error":"invalid_client","error_description":"no"}"#, "invalid_client: no"),
            (#"{"errors":[{"title":"line\nbreak\u0007 end"}]}"#, "line break end"),
        ])
    func shapes(body: String, words: String) {
        #expect(VendorErrors(Array(body.utf8)).words == words)
    }

    @Test(
        "bodies without errors give none", arguments: ["", "null", "[]", "{}", "<html>", #"{"errors":[{"#, "\u{0}"])
    func none(body: String) {
        #expect(VendorErrors(Array(body.utf8)).words == nil)
    }

    @Test("the request id is found, a number or a text")
    func requestID() {
        #expect(VendorErrors(Array(#"{"errors":[{"title":"T","request_id":"abc"}]}"#.utf8)).requestID == "abc")
        #expect(VendorErrors(Array(#"{"errors":[{"title":"T","request_id":7}]}"#.utf8)).requestID == "7")
    }

    @Test(
        "each documented error becomes a sentence with the store's words, the status and the request id",
        arguments: [
            (
                422, #"{"errors":[{"status":400,"title":"Cannot associate customers to carts with contact emails"}]}"#,
                "remove the e-mail from the cart first", "(HTTP 422)"
            ),
            (
                400, #"{"errors":[{"title":"The type does not exist or is not listed as customer"}]}"#,
                "does not accept this kind of owner", "(HTTP 400)"
            ),
            (
                500, #"{"errors":[{"title":"Internal Server Error","request_id":"r-1"}]}"#, "the store failed",
                "(HTTP 500, request id r-1)"
            ),
            (502, "<html><body>Bad gateway</body></html>", "it begins: <html><body>Bad gateway", "(HTTP 502)"),
            (404, "", "does not know the cart", "(HTTP 404)"),
            (429, #"{"errors":[{"status":429,"title":"..."}]}"#, "use a lower rate", "(HTTP 429)"),
        ])
    func sentences(status: Int, body: String, meaning: String, end: String) {
        let answer = Answer(status: status, body: Array(body.utf8))
        let sentence = FailureSentence(.answer(answer), for: .create).text
        #expect(sentence.contains(meaning))
        #expect(sentence.hasSuffix(end))
    }

    @Test("a redirect says where to")
    func redirect() {
        let answer = Answer(status: 302, location: "https://elsewhere.example/v2")
        let sentence = FailureSentence(.answer(answer), for: .create).text
        #expect(sentence.contains("https://elsewhere.example/v2"))
    }
}
