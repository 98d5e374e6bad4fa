import Hummingbird
import Synchronization

/// What the requests of one sandbox share.
final class SandboxState: Sendable {
    private let store: Mutex<Store>
    private let traffic: Mutex<Traffic>
    private let options: SandboxOptions
    /// The time since the sandbox began.
    let now: @Sendable () -> Duration

    init(options: SandboxOptions, epoch: Int, now: @escaping @Sendable () -> Duration) {
        self.options = options
        self.now = now
        store = Mutex(Store(options: options, epoch: epoch))
        traffic = Mutex(Traffic(options: options))
    }

    /// What is known about a request while it is worked on.
    struct Handling {
        let operation: SandboxOperation
        let cart: String?
        var owner: String?
        /// 0 until an answer is chosen.
        var status = 0
        var malformed = false
        var mixed = false
    }

    func arrive(_ operation: SandboxOperation, cart: String?, at time: Duration) -> Traffic.Arrival {
        traffic.withLock { $0.arrive(operation, cart: cart, at: time) }
    }

    func finish(_ call: Handling) {
        traffic.withLock { traffic in
            traffic.finish(
                call.operation, cart: call.cart, owner: call.owner, status: call.status, malformed: call.malformed,
                mixed: call.mixed)
        }
    }

    var refusesOverlap: Bool { behaviour.overlappingWrites == .conflict }

    var behaviour: SandboxBehaviour { store.withLock { $0.behaviour } }

    func have(customers: [SandboxOwnerEntry]) { store.withLock { $0.have(customers: customers) } }

    /// Changes behaviours by their names; changes nothing if one name is unknown.
    func behave(_ changes: [String: String]) throws {
        try store.withLock { store in
            var behaviour = store.behaviour
            for (name, value) in changes.sorted(by: { $0.key < $1.key }) { try behaviour.set(name, to: value) }
            store.behave(behaviour)
        }
    }

    func clearFaults() {
        traffic.withLock { $0.clearFaults() }
    }

    func listens(at address: String) {
        store.withLock { $0.address = address }
    }

    func revokeTokens() {
        store.withLock { $0.tokens.revokeAll() }
    }

    func inject(_ fault: SandboxFault) {
        traffic.withLock { $0.inject(fault) }
    }

    var statistics: SandboxStatistics {
        var statistics = traffic.withLock { $0.statistics }
        store.withLock { store in
            statistics.effects = store.effects
            statistics.autoCreatedCarts = store.autoCreatedCarts
        }
        return statistics
    }

    var associations: Set<SandboxAssociation> { store.withLock { $0.carts.associations } }

    var cartNames: [String: String] { store.withLock { $0.carts.names } }

    var cartIDs: Set<String> { store.withLock { $0.carts.ids } }

    var calls: [SandboxCall] { traffic.withLock { $0.latestCalls } }

    var tokens: [String] { store.withLock { $0.tokens.latest } }

    /// The 429 of a call above the rate limit.
    func rateLimited() -> Reply {
        var answer = Reply.error(429, "Too Many Requests")
        switch behaviour.retryAfter {
        case .none: break
        case .seconds(let seconds): answer.headers.append(("Retry-After", String(seconds)))
        case .date(let seconds):
            let date = store.withLock { $0.date(now()) } + seconds
            answer.headers.append(("Retry-After", CalendarText.header(date)))
        }
        return answer
    }

    /// Answers a request and gives it its effect. Bodies are read before the store is locked.
    func perform(
        _ route: Route, credentials: RequestCredentials, query: String?, contentType: String?, body: [UInt8],
        call: inout Handling
    ) -> Reply {
        let answer: Reply
        switch route {
        case .token:
            let form = FormText.fields(String(decoding: body, as: UTF8.self))
            answer = store.withLock { $0.accessToken(form: form, contentType: contentType, now: now()) }
        case .associate(let kind, let cart):
            let payload = AssociationPayload(body, kind: kind)
            call.owner = payload.owner
            answer = store.withLock { $0.associate(kind, cart: cart, payload, credentials, now: now()) }
        case .dissociate(let kind, let cart):
            let payload = AssociationPayload(body, kind: kind)
            call.owner = payload.owner
            answer = store.withLock { $0.dissociate(kind, cart: cart, payload, credentials, now: now()) }
        case .listCarts:
            let query = FormText.fields(query ?? "")
            answer = store.withLock { $0.listCarts(query: query, credentials, now: now()) }
        case .listOwners(let list):
            let query = FormText.fields(query ?? "")
            answer = store.withLock { $0.listOwners(list, query: query, credentials, now: now()) }
        case .listMemberships(let member):
            let query = FormText.fields(query ?? "")
            answer = store.withLock { $0.listMemberships(of: member, query: query, credentials, now: now()) }
        case .createCart: answer = store.withLock { $0.createCart(body, credentials, now: now()) }
        case .getCart(let id):
            let query = FormText.fields(query ?? "")
            answer = store.withLock { $0.getCart(id, query: query, credentials, now: now()) }
        case .updateCart(let id): answer = store.withLock { $0.updateCart(id, body, credentials, now: now()) }
        case .deleteCart(let id): answer = store.withLock { $0.deleteCart(id, credentials, now: now()) }
        case .getSettings: answer = store.withLock { $0.getSettings(credentials, now: now()) }
        case .updateSettings: answer = store.withLock { $0.updateSettings(body, credentials, now: now()) }
        case .otherMethod(let allowed):
            var refusal = Reply.error(405, "Method Not Allowed", "The allowed methods are \(allowed)")
            refusal.headers.append(("Allow", allowed))
            answer = refusal
        case .unknown, .control: answer = .error(404, "Not Found", "There is no such endpoint")
        }
        call.status = answer.status
        call.malformed = answer.malformed
        call.mixed = store.withLock { $0.isMixed(credentials, now: now()) }
        return answer
    }
}
