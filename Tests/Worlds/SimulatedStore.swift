import CartAssociations
import CommerceAPI
import CommerceSandbox
import Foundation
import Logging

/// The store of a world: the state of the sandbox behind a wire that loses, delays and spoils what goes over it.
final class SimulatedStore: @unchecked Sendable {
    enum Fault: CaseIterable {
        case noConnection, lostBefore, lostAfter, silenceBefore, silenceAfter, errorBefore, errorAfter, foreign404,
            signIn,
            emptyAfter, oddAfter, cutAfter, tooMany
    }

    /// How the store and the way to it are on a night.
    struct Weather {
        /// The share of calls that a fault strikes.
        var faults = 0.0
        /// No call succeeds meanwhile.
        var outages: [Range<Duration>] = []
        /// Every so many calls all tokens are revoked; 0 for never.
        var revokesEvery = 0
    }

    static let url = "http://127.0.0.1:9"
    static let clientID = "worlds"
    private static let secret = "secret"
    /// How long a call takes to the store.
    static let travel: Duration = .milliseconds(15)

    private let sandbox: Sandbox
    private let timeline: Timeline
    private let random: SeededRandom
    private let oracle: Oracle
    let story: Story
    var weather = Weather()
    /// What goes wrong on purpose, if anything does.
    var sabotage: Sabotage?
    private var sent = 0
    /// Calls that were to change something.
    private(set) var changes = 0

    init(_ scenario: Scenario, _ timeline: Timeline, _ oracle: Oracle, _ story: Story) {
        let random = scenario.random("store")
        var options = SandboxOptions()
        options.clientID = Self.clientID
        options.clientSecret = Self.secret
        options.seed = scenario.seed
        options.behaviour.missingAssociation = random.pick([.noContent, .notFound])
        options.behaviour.emptyRelationship = random.pick([.emptyObject, .absent, .nullData])
        options.behaviour.retryAfter = random.pick([.none, .seconds(1), .seconds(3), .date(seconds: 2)])
        if scenario.has(.tokens) { options.tokenLifetime = random.pick([.seconds(20), .seconds(120), .seconds(3600)]) }
        if scenario.has(.limits) { options.rateLimit = random.pick([8, 12, 15, 30]) }
        var logger = Logger(label: "sandbox") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        sandbox = Sandbox(options: options, logger: logger, epoch: Int(timeline.date.timeIntervalSince1970)) {
            timeline.now
        }
        (self.timeline, self.oracle, self.story) = (timeline, oracle, story)
        self.random = scenario.random("wire")
    }

    /// The associations as the sandbox has them.
    var associations: Set<Association> {
        Set(
            sandbox.associations().compactMap {
                Association.named($0.kind == .customer ? .customer : .account, $0.owner, $0.cart)
            })
    }

    /// From now on its list of customers has these.
    func have(_ customers: Customers) { sandbox.have(customers: customers.entries) }

    func behave(_ behaviour: [String: String]) {
        let body = (try? JSONEncoder().encode(behaviour)).map(Array.init) ?? []
        _ = sandbox.answer("PUT", "/sandbox/behaviour", body: body)
    }

    // MARK: - The wire

    /// What carries the calls of one process.
    func wire(for life: Life) -> StoreWire { StoreWire { await self.carry($0, life) } }

    /// One request on its way; what came of it, once it has arrived.
    private final class Journey: @unchecked Sendable {
        var reply = StoreWire.Reply.lost
    }

    private func carry(_ request: StoreWire.Request, _ life: Life) async -> StoreWire.Reply {
        // Nothing leaves a process that is no more.
        if life.isDead { await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
        sent += 1
        story.calls += 1
        let fault = fault()
        if let fault { story.note("call \(sent): \(request.method) \(request.target): \(fault)", isFault: true) }
        if sabotage == .neverAnswers, sent == 20 {
            await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        if fault == .noConnection {
            try? await timeline.sleep(for: .milliseconds(20))
            return .noConnection
        }
        let change = Self.change(request)
        if let change {
            changes += 1
            if sabotage == .twoAtOnce, changes == 5 { oracle.sees(change, in: life) }
            if sabotage == .strayCall, changes == 5, let other = oracle.truth.present.min() {
                oracle.sees(StoreChange(kind: .delete, association: other), in: life)
            }
            story.note("call \(sent): \(change.kind.rawValue) \(change.association)")
            oracle.sees(change, in: life)
        }
        if weather.revokesEvery > 0, sent.isMultiple(of: weather.revokesEvery) { sandbox.revokeTokens() }
        let journey = Journey()
        timeline.add(at: timeline.now + Self.travel) { self.arrive(request, change, fault, journey, life) }
        let silent = fault == .silenceBefore || fault == .silenceAfter
        let back = silent ? .seconds(30) : random.seconds(0.005...0.060)
        try? await timeline.sleep(for: Self.travel + back)
        if let change { oracle.ends(change) }
        return journey.reply
    }

    private func fault() -> Fault? {
        if weather.outages.contains(where: { $0.contains(timeline.now) }) { return .noConnection }
        return random.happens(weather.faults) ? random.pick(Fault.allCases) : nil
    }

    private func arrive(
        _ request: StoreWire.Request, _ change: StoreChange?, _ fault: Fault?, _ journey: Journey, _ life: Life
    ) {
        oracle.arrives(at: timeline.now, from: life)
        switch fault {
        case .lostBefore: journey.reply = .lost
        case .silenceBefore: journey.reply = .silence
        case .errorBefore: journey.reply = .answer(status: random.pick([500, 502, 503, 504]), headers: [:], body: [])
        case .foreign404: journey.reply = .answer(status: 404, headers: [:], body: Array("<html>Not found</html>".utf8))
        case .signIn: journey.reply = .answer(status: 200, headers: [:], body: Array("<html>Sign in</html>".utf8))
        case .tooMany:
            journey.reply = .answer(
                status: 429, headers: random.pick([[:], ["Retry-After": "1"], ["Retry-After": "4"]]), body: [])
        default: journey.reply = perform(request, change, fault)
        }
    }

    /// Gives a request its effect, and answers.
    private func perform(_ request: StoreWire.Request, _ change: StoreChange?, _ fault: Fault?) -> StoreWire.Reply {
        if sabotage == .liesOfDeletes, change?.kind == .delete { return .answer(status: 204, headers: [:], body: []) }
        let answer = sandbox.answer(request.method, request.target, headers: request.headers, body: request.body)
        if let change, (200..<300).contains(answer.status) {
            let wasThere = oracle.truth.contains(change.association)
            oracle.truth.note(change.association, isPresent: change.kind == .create, by: .cartsync, at: timeline.now)
            if wasThere != oracle.truth.contains(change.association) {
                story.note("the store has made it: \(change.kind.rawValue) \(change.association)")
            }
        }
        switch fault {
        case .lostAfter: return .lost
        case .silenceAfter: return .silence
        case .errorAfter: return .answer(status: random.pick([500, 502, 504]), headers: [:], body: [])
        case .emptyAfter: return .answer(status: 200, headers: [:], body: [])
        case .oddAfter: return .answer(status: 200, headers: [:], body: Array(#"{"data":{"type":"cart"}}"#.utf8))
        case .cutAfter:
            let half = Array(answer.body.prefix(answer.body.count / 2))
            return .answer(status: answer.status == 204 ? 200 : answer.status, headers: [:], body: half, isWhole: false)
        default: return .answer(status: answer.status, headers: answer.headers, body: answer.body)
        }
    }

    /// The change that a request is to make; nil if it makes none.
    private static func change(_ request: StoreWire.Request) -> StoreChange? {
        struct Body: Decodable {
            struct Owner: Decodable { let id: String }
            let data: [Owner]
        }
        let steps = request.target.split(separator: "/")
        guard steps.count == 5, steps[3] == "relationships",
            let owner = try? JSONDecoder().decode(Body.self, from: Data(request.body)).data.first?.id,
            let association = Association.named(
                steps[4] == "customers" ? .customer : .account, owner, String(steps[2]))
        else { return nil }
        return StoreChange(kind: request.method == "DELETE" ? .delete : .create, association: association)
    }

    // MARK: - Everybody else

    /// Something that a shopper does, or a second program; it counts towards the store's limit.
    func shop(_ kind: ChangeKind, _ association: Association) {
        let body = #"{"data":[{"type":"\#(association.owner.kind.rawValue)","id":"\#(association.owner.id)"}]}"#
        let path = "/v2/carts/\(association.cart)/relationships/\(association.owner.kind.rawValue)s"
        let answer = call(kind == .create ? "POST" : "DELETE", path, Array(body.utf8))
        guard (200..<300).contains(answer.status) else { return }
        oracle.truth.note(association, isPresent: kind == .create, by: .shopper, at: timeline.now)
        story.note("a shopper: \(kind.rawValue) \(association)")
    }

    /// A cart ends, with all that is linked to it.
    func expire(_ cart: CartID) {
        guard call("DELETE", "/v2/carts/\(cart)", []).status == 204 else { return }
        for association in oracle.truth.present where association.cart == cart {
            oracle.truth.note(association, isPresent: false, by: .shopper, at: timeline.now)
        }
        story.note("cart \(cart) expires")
    }

    private func call(_ method: String, _ path: String, _ body: [UInt8]) -> SandboxExchange {
        struct Token: Decodable { let access_token: String }
        let form = "client_id=\(Self.clientID)&client_secret=\(Self.secret)&grant_type=client_credentials"
        let issued = sandbox.answer(
            "POST", "/oauth/access_token", headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: Array(form.utf8))
        guard let token = try? JSONDecoder().decode(Token.self, from: Data(issued.body)) else { return issued }
        return sandbox.answer(
            method, path,
            headers: ["Authorization": "Bearer \(token.access_token)", "Content-Type": "application/json"], body: body)
    }

    /// What clients of this store are made with.
    func options(for life: Life) throws -> APIOptions {
        var options = APIOptions(
            baseURL: try BaseURL(Self.url), credentials: Credentials(clientID: Self.clientID, clientSecret: Self.secret)
        )
        options.wire = wire(for: life)
        return options
    }
}

/// A change as a call asks for it.
struct StoreChange: Hashable {
    let kind: ChangeKind
    let association: Association
}

extension StoreWire.Reply {
    fileprivate static func answer(status: Int, headers: [String: String], body: [UInt8]) -> Self {
        .answer(status: status, headers: headers, body: body, isWhole: true)
    }
}

extension Association {
    static func named(_ kind: OwnerKind, _ owner: String, _ cart: String) -> Association? {
        guard let owner = OwnerID(owner), let cart = CartID(cart) else { return nil }
        return Association(kind, owner, cart)
    }
}
