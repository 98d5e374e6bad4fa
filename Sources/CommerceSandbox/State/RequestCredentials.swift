import Foundation

/// The credentials that came with a request, not yet judged.
struct RequestCredentials: Sendable {
    /// The `Authorization` header.
    var authorization: String?
    var customerToken: String?
    var accountToken: String?

    subscript(kind: SandboxOwnerKind) -> String? {
        switch kind {
        case .customer: customerToken
        case .account: accountToken
        }
    }

    /// The access token of `Bearer TOKEN`.
    var bearer: Substring? {
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return nil }
        return authorization.dropFirst(7)
    }
}

/// Who makes a call.
enum Caller: Hashable {
    /// Client credentials: may do everything.
    case administrator
    case shopper(SandboxOwner)
    /// An implicit token without a usable shopper token.
    case nobody
}

/// A shopper's token as text: whoever knows the owner can make it.
enum ShopperTokenText {
    private static let prefix = "sandbox-"

    static func text(_ kind: SandboxOwnerKind, _ owner: String) -> String { "\(prefix)\(kind.rawValue):\(owner)" }

    static func owner(_ token: String, _ kind: SandboxOwnerKind) -> SandboxOwner? {
        let start = text(kind, "")
        guard token.hasPrefix(start), token.count > start.count else { return nil }
        return SandboxOwner(kind: kind, id: String(token.dropFirst(start.count)))
    }
}

extension Store {
    /// The caller that the credentials belong to; nil if the access token is invalid.
    ///
    /// A shopper's token narrows the call to that shopper, whatever the access token allows. With the tokens of a
    /// customer and of an account, the one that the call is about counts, else the customer's.
    func caller(_ credentials: RequestCredentials, about kind: SandboxOwnerKind? = nil, now: Duration) -> Caller? {
        guard let bearer = credentials.bearer, let grant = tokens.grant(of: bearer, now: now) else { return nil }
        let kinds = kind.map { [$0] } ?? SandboxOwnerKind.allCases
        for kind in kinds {
            guard let token = credentials[kind] else { continue }
            return ShopperTokenText.owner(token, kind).map { .shopper($0) } ?? .nobody
        }
        return grant == .clientCredentials ? .administrator : .nobody
    }

    /// Whether client credentials and a shopper's token came together.
    func isMixed(_ credentials: RequestCredentials, now: Duration) -> Bool {
        guard credentials.customerToken != nil || credentials.accountToken != nil, let bearer = credentials.bearer
        else { return false }
        return tokens.grant(of: bearer, now: now) == .clientCredentials
    }
}

extension Reply {
    /// The access token is missing, unknown or expired (Elastic Path, Getting Started, Errors).
    static var unauthorized: Reply { .error(401, "Unable to validate access token") }

    /// The token does not allow the call (the spelling of the vendor's cart examples).
    static var unauthorizedCall: Reply { .error(403, "Unauthorised call") }
}

extension Store {
    /// POST /oauth/access_token. The answer is not wrapped in `data`, and `status` is a string in its errors.
    mutating func accessToken(form: [String: String], contentType: String?, now: Duration) -> Reply {
        guard contentType.map({ $0.lowercased().hasPrefix("application/x-www-form-urlencoded") }) == true else {
            return Self.tokenRefused("The body must be application/x-www-form-urlencoded").asMalformed()
        }
        guard let type = form["grant_type"], !type.isEmpty else {
            return Self.tokenRefused("The field 'grant_type' is required").asMalformed()
        }
        guard let grant = TokenBook.Grant(rawValue: type) else {
            return Self.tokenRefused("The field 'grant_type' must be client_credentials or implicit").asMalformed()
        }
        guard let id = form["client_id"], !id.isEmpty else {
            return Self.tokenRefused("The field 'client_id' is required").asMalformed()
        }
        if grant == .clientCredentials, form["client_secret"] == nil {
            return Self.tokenRefused("The field 'client_secret' is required").asMalformed()
        }
        guard id == options.clientID, grant == .implicit || form["client_secret"] == options.clientSecret else {
            return .error(401, ErrorItem(status: .text(401), title: "Unauthorized", detail: "Unauthorized"))
        }
        let token = tokens.issue(grant, now: now)
        let lifetime = Int(options.tokenLifetime.components.seconds)
        return .json(200) { text in
            text.raw("{")
            text.member("access_token", token)
            text.member("token_type", "Bearer")
            text.member("expires_in", lifetime)
            text.member("expires", date(now) + lifetime)
            text.member("identifier", grant.rawValue)
            text.raw("}")
        }
    }

    private static func tokenRefused(_ detail: String) -> Reply {
        .error(400, ErrorItem(status: .text(400), title: "Bad Request", detail: detail))
    }
}
