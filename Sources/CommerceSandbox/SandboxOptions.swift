package import Foundation

/// What a sandbox is started with.
package struct SandboxOptions: Sendable {
    /// The address to listen on.
    var host = "127.0.0.1"
    /// The port to listen on; 0 takes a free one.
    var port: Int
    /// The calls that are let through in any sliding second; further ones get 429. Nil for no limit.
    package var rateLimit: Int?
    /// How long each call takes before it has its effect.
    package var latency: SandboxLatency
    package var clientID = "sandbox-id"
    package var clientSecret = "sandbox-secret"
    /// How long an access token is valid. The vendor's last one hour.
    package var tokenLifetime: Duration
    /// The carts that exist at the start. The last one is the latest updated.
    package var carts: [SandboxCart]
    /// Customers, accounts and account members that exist besides those who have a cart.
    package var owners = SandboxOwners()
    package var behaviour = SandboxBehaviour()
    /// Files of the certificate chain and its key, both PEM, to speak TLS; nil for plain HTTP.
    package var tls: (certificate: String, key: String)?
    /// Seeds everything random: tokens, cart ids, latencies and the faults that strike a share of the calls.
    package var seed: UInt64 = 1

    package init(
        port: Int = 0, rateLimit: Int? = nil, latency: SandboxLatency = .none,
        tokenLifetime: Duration = .seconds(3600), carts: [SandboxCart] = []
    ) {
        self.port = port
        self.rateLimit = rateLimit
        self.latency = latency
        self.tokenLifetime = tokenLifetime
        self.carts = carts
    }
}

/// How long calls take.
package enum SandboxLatency: Sendable, Hashable {
    case none
    /// Every call takes the same time.
    case steady(Duration)
    /// A logarithmic normal distribution. With a median of 60 ms, a sigma of 0.8 puts p99 near 400 ms.
    case lognormal(median: Duration, sigma: Double)
}

/// A cart with those who may open it.
package struct SandboxCart: Codable, Sendable, Hashable {
    var id: String
    var name: String
    package var description: String?
    /// A cart with a contact e-mail refuses associations.
    var contactEmail: String?
    var customers: [String]
    var accounts: [String]

    package init(
        id: String, name: String = "Cart", description: String? = nil, contactEmail: String? = nil,
        customers: [String] = [], accounts: [String] = []
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.contactEmail = contactEmail
        self.customers = customers
        self.accounts = accounts
    }

    enum CodingKeys: String, CodingKey {
        case id, name, description, customers, accounts
        case contactEmail = "contact_email"
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try fields.decode(String.self, forKey: .id),
            name: try fields.decodeIfPresent(String.self, forKey: .name) ?? "Cart",
            description: try fields.decodeIfPresent(String.self, forKey: .description),
            contactEmail: try fields.decodeIfPresent(String.self, forKey: .contactEmail),
            customers: try fields.decodeIfPresent([String].self, forKey: .customers) ?? [],
            accounts: try fields.decodeIfPresent([String].self, forKey: .accounts) ?? [])
    }
}

/// The customers, accounts and account members of a store.
package struct SandboxOwners: Sendable, Decodable {
    package var customers: [SandboxOwnerEntry] = []
    package var accounts: [SandboxOwnerEntry] = []
    package var members: [SandboxOwnerEntry] = []

    package init() {}

    enum CodingKeys: CodingKey {
        case customers, accounts, members
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        customers = try fields.decodeIfPresent([SandboxOwnerEntry].self, forKey: .customers) ?? []
        accounts = try fields.decodeIfPresent([SandboxOwnerEntry].self, forKey: .accounts) ?? []
        members = try fields.decodeIfPresent([SandboxOwnerEntry].self, forKey: .members) ?? []
    }
}

/// The two kinds of shopper that a cart can be given to.
package enum SandboxOwnerKind: String, Sendable, Hashable, CaseIterable, Codable {
    case customer
    case account
}

/// One owner linked to one cart.
package struct SandboxAssociation: Sendable, Hashable, Codable {
    package let kind: SandboxOwnerKind
    package let owner: String
    package let cart: String

    package init(kind: SandboxOwnerKind, owner: String, cart: String) {
        self.kind = kind
        self.owner = owner
        self.cart = cart
    }
}

/// Why a sandbox cannot be started, or its input cannot be read.
package enum SandboxError: Error, CustomStringConvertible {
    case cannotListen(host: String, port: Int, reason: String)
    case stopped
    case unreadable(String)

    package var description: String {
        switch self {
        case .cannotListen(let host, let port, let reason):
            "the sandbox cannot listen on \(host):\(port): \(reason); choose another port, or 0 for a free one"
        case .stopped: "the sandbox has stopped and listens no longer; start it again"
        case .unreadable(let what): what
        }
    }
}

extension Sandbox {
    /// Reads a seed file: `{"carts":[{"id":"cart-1","name":"Cart","customers":["c-1"],"accounts":[],
    /// "contact_email":"a@example.com"}]}`; only `id` is required.
    ///
    /// Throws `SandboxError.unreadable` with the place in the file.
    package static func seed(from json: Data) throws -> [SandboxCart] {
        struct Seed: Decodable { let carts: [SandboxCart] }
        let carts: [SandboxCart]
        do {
            carts = try JSONDecoder().decode(Seed.self, from: json).carts
        } catch let error as DecodingError {
            throw SandboxError.unreadable("the seed is not as expected: \(error.place); see `cartsync sandbox --help`")
        }
        var known: Set<String> = []
        for (number, cart) in carts.enumerated() {
            guard SafeCharacters.all(in: cart.id) else {
                throw SandboxError.unreadable(
                    "carts[\(number)]: the id \"\(cart.id)\" has other characters than A-Z a-z 0-9 _ -")
            }
            guard known.insert(cart.id).inserted else {
                throw SandboxError.unreadable("carts[\(number)]: the cart \(cart.id) is there twice; keep one")
            }
        }
        return carts
    }
}

extension Sandbox {
    /// Reads the owners of a seed file: `{"carts":[],"customers":[{"id":"c-9","email":"a@example.com","external_ref":"7"}],
    /// "accounts":["a-1"],"members":[{"id":"m-1","email":"b@example.com","accounts":["a-1"]}]}`, all optional; one with
    /// nothing but an id may be a string.
    ///
    /// Throws `SandboxError.unreadable` with the place in the file.
    ///
    /// - Parameter behaviour: whether e-mails may be there twice, and which are the same.
    package static func seedOwners(
        from json: Data, _ behaviour: SandboxBehaviour = SandboxBehaviour()
    ) throws -> SandboxOwners {
        do {
            let owners = try JSONDecoder().decode(SandboxOwners.self, from: json)
            guard !behaviour.duplicateEmails else { return owners }
            for (list, entries) in [("customers", owners.customers), ("members", owners.members)] {
                var known: Set<String> = []
                for (number, entry) in entries.enumerated() {
                    guard let email = entry.email else { continue }
                    let isNew = known.insert(behaviour.emailCase == .ignored ? email.lowercased() : email).inserted
                    guard !isNew else { continue }
                    throw SandboxError.unreadable(
                        "\(list)[\(number)]: the e-mail \(email) is there twice; keep one, or start with --behaviour "
                            + "duplicate-emails=true")
                }
            }
            return owners
        } catch let error as DecodingError {
            throw SandboxError.unreadable("the seed is not as expected: \(error.place); see `cartsync sandbox --help`")
        }
    }
}

extension DecodingError {
    /// Where in the document, and what is wrong there.
    fileprivate var place: String {
        let (context, what): (Context, String) =
            switch self {
            case .keyNotFound(let key, let context): (context, "\(key.stringValue) is missing")
            case .typeMismatch(let type, let context): (context, "expected \(type)")
            case .valueNotFound(let type, let context): (context, "expected \(type), found null")
            case .dataCorrupted(let context): (context, context.debugDescription)
            @unknown default: (Context(codingPath: [], debugDescription: ""), "\(self)")
            }
        let path = context.codingPath.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
        return path.isEmpty ? what : "at \(path.drop { $0 == "." }): \(what)"
    }
}
