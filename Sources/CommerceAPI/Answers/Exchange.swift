import CartAssociations

/// One request to the store, without its token.
struct APIRequest: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    let operation: Operation
    let method: Method
    /// The path below the base URL with its query, beginning with a slash.
    let path: String
    var body: [UInt8] = []
    var contentType: String?
    var shopper: ShopperToken?
    /// What the call is to write, by which a success is judged; nil for calls that any answer in JSON may serve.
    var write: Write?
    /// Whether it is made again after an attempt that may have had its effect.
    var repeatsUnknown = true
    var round = Round.only

    /// Whether it is meant to change the store.
    var isWrite: Bool {
        switch operation {
        case .create, .delete, .createCart: true
        case .list, .token: false
        }
    }

    /// The most bytes of an answer that are read. Pages of a listing carry whole carts.
    var answerLimit: Int { operation == .list ? 16 << 20 : 1 << 20 }
}

/// Whether a change that fails for now may wait at the end of the line, and whether it has done so before.
package enum Round: Sendable, Hashable {
    /// There is no line: repetitions follow at once.
    case only
    case first
    case again
    case last

    /// Whether a change may wait behind all others.
    var mayPostpone: Bool { self == .first || self == .again }
    /// Whether an attempt tells of the store's health: what failed before may fail for reasons of its own.
    var isFresh: Bool { self == .only || self == .first }
}

/// What a call is to write.
enum Write: Sendable, Hashable {
    case change(ChangeKind, Association)
    case newCart(CartID)
}

/// What came of sending a request once.
enum Exchange: Sendable {
    case answer(Answer)
    case noAnswer(ConnectionFault)

    /// Whether the store may have done what it was asked without saying so, if its answer says nothing.
    var mayHaveTakenEffect: Bool {
        switch self {
        case .noAnswer(let fault): fault.mayHaveTakenEffect
        case .answer(let answer):
            switch answer.status {
            // A success or a 404 that is not in the store's form, or not whole.
            case 200..<300, 404: true
            // Not done, by what they mean.
            case 501, 503, 505: false
            // A gateway that gave up, or a failure at any point of the work.
            default: answer.status >= 500
            }
        }
    }

    var status: Int? {
        if case .answer(let answer) = self { answer.status } else { nil }
    }
}

/// An HTTP answer, as far as it could be read.
struct Answer: Sendable {
    let status: Int
    var body: [UInt8] = []
    /// Why the body is not whole; nil if it is.
    var bodyFault: ConnectionFault?
    var retryAfter: String?
    var date: String?
    var location: String?
    var requestID: String?
    /// The headers of a 429 that may say how long to wait, by their names in lower case.
    var waitHeaders: [String: String] = [:]
}

/// Why an answer, or the rest of one, did not come.
enum ConnectionFault: Error, Sendable, Equatable {
    /// No connection; the store has not seen the request.
    case cannotConnect(String)
    /// The connection ended; the store may have done what it was asked.
    case lost(String)
    /// The deadline passed; the store may have done what it was asked.
    case timeout(Duration)
    /// The answer is larger than any valid one.
    case tooLarge(Int)
    /// The task was cancelled.
    case cancelled

    /// Whether the store may have acted on the request.
    var mayHaveTakenEffect: Bool {
        switch self {
        case .cannotConnect: false
        case .lost, .timeout, .tooLarge, .cancelled: true
        }
    }

    var words: String {
        switch self {
        case .cannotConnect(let why): "no connection: \(why)"
        case .lost(let why): "the connection was lost before the whole answer came: \(why)"
        case .timeout(let deadline): "no whole answer within \(deadline.components.seconds) s"
        case .tooLarge(let limit): "the answer has more than \(limit) bytes"
        case .cancelled: "cancelled"
        }
    }
}

/// When a request and its answer were on their way, as the connection saw it.
struct Travel: Sendable {
    /// Just before the body of the request was written, which ends it.
    let written: ContinuousClock.Instant
    /// When the answer's head came.
    let answerBegun: ContinuousClock.Instant
}

/// A text as a value of a form or a query: all but the unreserved characters of RFC 3986 encoded.
func formEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            encoded.append(byte)
        default:
            encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: encoded, as: UTF8.self)
}
