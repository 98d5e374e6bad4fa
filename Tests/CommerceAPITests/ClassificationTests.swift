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
        Row(200, #"{"data":[]}"#, is: .unknown, again: true), Row(200, "null", is: .unknown, again: true),
        Row(200, "<html>", is: .unknown, again: true), Row(200, is: .unknown, again: true),
        Row(201, is: .unknown, again: true), Row(202, is: .unknown, again: true), Row(204, is: .success),
        Row(204, "<html>", is: .unknown, again: true),
        Row(200, #"{"data":[{"type":"customer","id":"c-1"}]}"#, is: .success),
        Row(200, #"{"data":[{"type":"customer","id":"C-1"}]}"#, is: .unknown, again: true),
        Row(200, #"{"data":[{"type":"customer","id":"c-1"}]}"#, is: .success, on: .delete),
        Row(200, fault: .timeout(.seconds(30)), is: .connection, again: true),
        Row(201, is: .success, on: .createCart), Row(200, is: .success, on: .list),
        Row(204, is: .success, on: .delete), Row(200, is: .unknown, again: true, on: .delete),
        Row(404, is: .unknown, again: true, on: .delete),
        Row(404, "<html>no</html>", is: .unknown, again: true, on: .delete),
        Row(404, #"{"errors":[{"title":"Not Found"}]}"#, is: .unknown, again: true, on: .delete),
        Row(404, #"{"errors":[{"title":"Not Found","detail":"Cart not found"}]}"#, is: .success, on: .delete),
        Row(404, #"{"errors":[{"title":"Cart not found"}],"errors":[]}"#, is: .unknown, again: true, on: .delete),
        Row(400, #"{"errors":[{"title":"Cart not found"}]}"#, is: .refused, on: .delete),
        Row(404, is: .unknown, again: true, on: .create), Row(404, "<html>", is: .unknown, again: true, on: .create),
        Row(404, #"{"errors":[{"title":"Not Found"}]}"#, is: .refused, on: .create), Row(404, is: .refused, on: .list),
        Row(404, is: .refused, on: .token),
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
        Row(504, is: .serverError, again: true), Row(501, is: .serverError, again: true),
        Row(505, is: .serverError, again: true), Row(507, is: .serverError, again: true),
        Row(520, is: .serverError, again: true), Row(529, is: .serverError, again: true),
        Row(599, is: .serverError, again: true),
        Row(.cannotConnect("refused")), Row(.lost("reset")), Row(.timeout(.seconds(30))), Row(.tooLarge(1)),
    ]

    @Test("every status, body and connection fault has its class", arguments: rows)
    func table(row: Row) throws {
        var change: ChangeAnswer?
        if case .answer(let answer) = row.exchange, let kind = ChangeKind(rawValue: row.operation.rawValue) {
            change = ChangeAnswer(answer, to: .change(kind, try association("c-1", "cart-1")), APISettings())
        }
        let judged = Classification(row.exchange, for: row.operation, change: change)
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

    @Test("which statuses say that it was gone before is a setting, and all need the store's own form")
    func alreadyGone() throws {
        let one = try association("c-1", "cart-1")
        func judged(_ status: Int, _ body: String, _ alreadyGone: Set<Int>) -> ChangeAnswer? {
            var settings = APISettings()
            settings.alreadyGone = alreadyGone
            return ChangeAnswer(Answer(status: status, body: Array(body.utf8)), to: .change(.delete, one), settings)
        }
        let own = #"{"errors":[{"title":"Bad Request","detail":"The association is not there"}]}"#
        for status in [400, 404, 410, 422] {
            #expect(judged(status, own, [status]) == .alreadySo)
            #expect(judged(status, own, []) == nil)
            #expect(judged(status, "<html>cart", [status]) == (status == 404 ? .unknown : nil))
        }
        #expect(judged(404, "", []) == .unknown)
    }

    @Test("an empty 200 counts where that is set, and nothing else does then", arguments: ChangeKind.allCases)
    func empty(kind: ChangeKind) throws {
        let one = try association("c-1", "cart-1")
        var settings = APISettings()
        settings.emptyAnswer = .believe
        func judged(_ status: Int, _ body: String, _ fault: ConnectionFault? = nil) -> ChangeAnswer? {
            ChangeAnswer(
                Answer(status: status, body: Array(body.utf8), bodyFault: fault), to: .change(kind, one), settings)
        }
        for body in ["", "null", " null\n", "\r\n"] { #expect(judged(200, body) == .made) }
        for body in ["{}", "nullnull", "<html>", #"{"errors":[{"title":"no"}]}"#] {
            #expect(judged(200, body) == .unknown)
        }
        #expect(judged(200, "", .lost("cut")) == .unknown)
        #expect(judged(202, "") == .unknown)
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

    @Test("of many errors the first five are told, and never more than 1 KiB", arguments: ["x", "é", "漢", "😀"])
    func bounded(character: String) {
        let items = (1...1000).map { #"{"title":"\#($0) \#(String(repeating: character, count: 400))"}"# }
        let words = VendorErrors(Array(#"{"errors":[\#(items.joined(separator: ","))]}"#.utf8)).words ?? ""
        #expect(words.hasSuffix("; and 995 more"), "\(words.suffix(40))")
        #expect(words.utf8.count <= VendorErrors.mostBytes)
        #expect(words.utf8.count > 900)
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
