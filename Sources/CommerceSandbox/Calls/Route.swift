/// Which endpoint a request is for.
enum Route: Hashable {
    case token
    case listCarts
    case listOwners(OwnerList)
    case listMemberships(String)
    case createCart
    case getCart(String)
    case updateCart(String)
    case deleteCart(String)
    case associate(SandboxOwnerKind, cart: String)
    case dissociate(SandboxOwnerKind, cart: String)
    case getSettings
    case updateSettings
    /// The sandbox's own pages, no part of the vendor's API.
    case control(ControlPage, method: String)
    /// The path is known, the method is not.
    case otherMethod(allowed: String)
    case unknown

    init(method: String, path: String) {
        let steps = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            FormText.decoded($0)
        }
        switch steps.count {
        case 2 where steps == ["oauth", "access_token"]:
            self = Self.pick(method, ["POST": .token])
        case 2 where steps == ["v2", "carts"]:
            self = Self.pick(method, ["GET": .listCarts, "POST": .createCart])
        case 2 where steps[0] == "v2" && OwnerList(rawValue: steps[1]) != nil:
            self = Self.pick(method, OwnerList(rawValue: steps[1]).map { ["GET": .listOwners($0)] } ?? [:])
        case 4 where steps.starts(with: ["v2", "account-members"]) && steps[3] == "account-memberships":
            self = Self.pick(method, ["GET": .listMemberships(steps[2])])
        case 3 where steps == ["v2", "settings", "cart"]:
            self = Self.pick(method, ["GET": .getSettings, "PUT": .updateSettings])
        case 3 where steps.starts(with: ["v2", "carts"]) && !steps[2].isEmpty:
            self = Self.pick(
                method, ["GET": .getCart(steps[2]), "PUT": .updateCart(steps[2]), "DELETE": .deleteCart(steps[2])])
        case 5 where steps.starts(with: ["v2", "carts"]) && steps[3] == "relationships" && !steps[2].isEmpty:
            guard let kind = SandboxOwnerKind.allCases.first(where: { $0.plural == steps[4] }) else {
                self = .unknown
                return
            }
            self = Self.pick(
                method, ["POST": .associate(kind, cart: steps[2]), "DELETE": .dissociate(kind, cart: steps[2])])
        case 2 where steps[0] == "sandbox":
            guard let page = ControlPage(rawValue: steps[1]) else {
                self = .unknown
                return
            }
            self = Self.pick(
                method, Dictionary(uniqueKeysWithValues: page.methods.map { ($0, .control(page, method: $0)) }))
        default:
            self = .unknown
        }
    }

    private static func pick(_ method: String, _ routes: [String: Route]) -> Route {
        routes[method] ?? .otherMethod(allowed: routes.keys.sorted().joined(separator: ", "))
    }

    var operation: SandboxOperation {
        switch self {
        case .token: .token
        case .listCarts: .list
        case .createCart: .createCart
        case .getCart: .getCart
        case .updateCart: .updateCart
        case .deleteCart: .deleteCart
        case .associate: .create
        case .dissociate: .delete
        case .getSettings, .updateSettings: .settings
        case .listOwners, .listMemberships, .control, .otherMethod, .unknown: .other
        }
    }

    /// The cart that the path names.
    var cart: String? {
        switch self {
        case .getCart(let cart), .updateCart(let cart), .deleteCart(let cart), .associate(_, let cart),
            .dissociate(_, let cart):
            cart
        default: nil
        }
    }
}

/// The pages under /sandbox/ that show what the sandbox has seen and steer it.
enum ControlPage: String, CaseIterable {
    /// The statistics as JSON.
    case stats
    /// The associations as CSV.
    case associations
    /// Takes a fault to inject, as JSON; DELETE takes all of them away.
    case faults
    /// What the vendor leaves open, by name; PUT changes some of it.
    case behaviour

    var methods: [String] {
        switch self {
        case .stats, .associations: ["GET"]
        case .faults: ["POST", "DELETE"]
        case .behaviour: ["GET", "PUT"]
        }
    }
}

extension SandboxOwnerKind {
    /// The name of its relationship in paths and carts.
    var plural: String {
        switch self {
        case .customer: "customers"
        case .account: "accounts"
        }
    }

    /// The word that begins a sentence.
    var title: String {
        switch self {
        case .customer: "Customer"
        case .account: "Account"
        }
    }

    /// The header that carries a shopper's token.
    var tokenHeader: String {
        switch self {
        case .customer: "X-Moltin-Customer-Token"
        case .account: "EP-Account-Management-Authentication-Token"
        }
    }
}

/// What Elastic Path calls Safe Characters.
enum SafeCharacters {
    /// Whether the text is not empty and has only digits, ASCII letters, `_` and `-`.
    static func all(in text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
