import CartAssociations
import Foundation

/// What an answer to a write says about it, if it has the store's own form.
///
/// A proxy, a sign-in page or a wrong address answers too, and often with a 200 or a 404. Only what the vendor
/// documents is believed (Elastic Path, cart associations; carts, create a cart): 204 without a body, 200 with the
/// owner in `data`, 201 with the cart in `data`, and `errors` that say what is missing.
enum ChangeAnswer: Sendable, Equatable {
    case made
    /// There was nothing to change: the association was there, or was gone.
    case alreadySo
    /// A success or a 404 in any other form. The change may have been made.
    case unknown

    /// Returns nil for an answer that says no, which is judged by its status like that to any other call.
    ///
    /// - Parameter settings: which statuses of a delete mean that there was nothing to delete, and what an empty 200
    ///   means.
    init?(_ answer: Answer, to write: Write, _ settings: APISettings) {
        switch write {
        case .change(let kind, let association): self.init(answer, to: kind, of: association.owner, settings)
        case .newCart(let cart): self.init(answer, creating: cart)
        }
    }

    private init?(_ answer: Answer, creating cart: CartID) {
        switch answer.status {
        // 201 is documented; one version of the description had 200.
        case 200, 201: self = answer.bodyFault == nil && Self.names(cart, answer.body) ? .made : .unknown
        case 200..<300: self = .unknown
        case 404 where !VendorErrors.areDocumented(answer.body): self = .unknown
        default: return nil
        }
    }

    private init?(_ answer: Answer, to kind: ChangeKind, of owner: Owner, _ settings: APISettings) {
        switch answer.status {
        case 204:
            guard answer.body.isEmpty else {
                self = .unknown
                return
            }
            self = kind == .create ? .alreadySo : .made
        case 200:
            let isMade =
                answer.bodyFault == nil
                && (Self.names(owner, answer.body) || (settings.emptyAnswer == .believe && answer.isEmpty))
            self = isMade ? .made : .unknown
        case 200..<300:
            self = .unknown
        case let status where kind == .delete && (status == 404 || settings.alreadyGone.contains(status)):
            let names = answer.bodyFault == nil && VendorErrors.nameWhatIsGone(answer.body)
            if names && settings.alreadyGone.contains(status) {
                self = .alreadySo
            } else if !names && status == 404 {
                self = .unknown
            } else {
                return nil
            }
        // A store that does not say what it misses refuses the create all the same.
        case 404 where !VendorErrors.areDocumented(answer.body):
            self = .unknown
        default:
            return nil
        }
    }

    /// Whether a body is `{"data":{"id"}}` with this cart, further members or not, and without `errors`.
    private static func names(_ cart: CartID, _ body: [UInt8]) -> Bool {
        struct NamedCart: Decodable {
            let id: String
        }
        return data(NamedCart.self, body)?.id.utf8.elementsEqual(cart.text.utf8) ?? false
    }

    /// What stands under `data`; nil for a body without it, or with `errors`.
    private static func data<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) -> Value? {
        guard let body = try? ForeignJSON.decode(DocumentedData<Value>.self, from: body), !body.hasErrors else {
            return nil
        }
        return body.data
    }

    /// Whether a body is `{"data":[{"type","id"}]}` with this owner, further members or not, and without `errors`.
    private static func names(_ owner: Owner, _ body: [UInt8]) -> Bool {
        struct Element: Decodable {
            let type: String
            let id: String
        }
        // Most bodies are the documented one, byte for byte, and decoding each costs 4 µs of a processor.
        let documented = #"{"data":[{"type":"\#(owner.kind.rawValue)","id":"\#(owner.id.text)"}]}"#
        if body.elementsEqual(documented.utf8) { return true }
        return (data([Element].self, body) ?? []).contains { element in
            // Byte for byte: the texts of Swift are equal too if only their accents are composed otherwise.
            element.type == owner.kind.rawValue && element.id.utf8.elementsEqual(owner.id.text.utf8)
        }
    }
}

extension Answer {
    /// Whether the body is empty, blank or `null`.
    var isEmpty: Bool {
        bodyFault == nil
            && ["", "null"].contains(String(decoding: body.prefix(16), as: UTF8.self).printable(limit: 16))
    }
}

extension VendorErrors {
    /// Whether a body is `{"errors":[...]}`, or one error under `errors`, whose title or detail names an association,
    /// a cart, a customer or an account. A path, which gateways like to repeat, names nothing.
    fileprivate static func nameWhatIsGone(_ body: [UInt8]) -> Bool {
        documented(body).contains { item in
            let texts = [item.title, item.detail].compactMap(\.self)
            let words = texts.flatMap { $0.lowercased().split(whereSeparator: \.isWhitespace) }
                .filter { !$0.contains("/") }
                .flatMap { $0.split { !$0.isLetter } }
            return words.contains { word in
                ["cart", "carts", "customer", "customers", "account", "accounts"].contains(word)
                    || ["associat", "dissociat", "disassociat"].contains { word.hasPrefix($0) }
            }
        }
    }

    /// Whether a body has the vendor's own form of an error.
    static func areDocumented(_ body: [UInt8]) -> Bool {
        documented(body).contains { $0.title != nil || $0.detail != nil }
    }

    private static func documented(_ body: [UInt8]) -> [DocumentedErrors.Item] {
        ((try? ForeignJSON.decode(DocumentedErrors.self, from: body))?.errors) ?? []
    }
}

/// A success in the form that the vendor documents.
private struct DocumentedData<Value: Decodable>: Decodable {
    let data: Value
    let hasErrors: Bool

    private enum Keys: String, CodingKey {
        case data, errors
    }

    init(from decoder: any Decoder) throws {
        let body = try decoder.container(keyedBy: Keys.self)
        data = try body.decode(Value.self, forKey: .data)
        hasErrors = body.contains(.errors)
    }
}

/// Errors in the form that the vendor documents: an array of objects, or one, under `errors`.
private struct DocumentedErrors: Decodable {
    struct Item: Decodable {
        let title: String?
        let detail: String?
    }

    let errors: [Item]

    private enum Keys: String, CodingKey {
        case errors
    }

    init(from decoder: any Decoder) throws {
        let body = try decoder.container(keyedBy: Keys.self)
        if let one = try? body.decode(Item.self, forKey: .errors) {
            errors = [one]
        } else {
            errors = try body.decode([Item].self, forKey: .errors)
        }
    }
}
