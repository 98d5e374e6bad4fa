import CallPacing
package import CartAssociations

/// Finds out on a live store what the vendor's documentation leaves open, with two throw-away carts that it removes.
///
/// It writes; use it only after a person has agreed. Every call goes through the client's pacer.
package struct StoreProbe: Sendable {
    /// What was learnt.
    package struct Findings: Sendable, Equatable {
        /// HTTP status of the answer to each question; nil if it was not asked.
        package internal(set) var createCart: Int?
        package internal(set) var unknownOwner: Int?
        package internal(set) var association: Int?
        package internal(set) var associationAgain: Int?
        package internal(set) var delete: Int?
        package internal(set) var missingDelete: Int?
        package internal(set) var unknownCart: Int?
        package internal(set) var existingCart: Int?
        package internal(set) var offsetBeyondLimit: Int?
        package internal(set) var referenceList: Int?
        /// The questions whose first answer the rules of changes do not believe, with what came.
        package internal(set) var doubted: [Question: String] = [:]
        /// Whether the store answered 200 without a body to an association, and 204 when asked again: it had made it.
        package internal(set) var answersEmpty = false
        /// Whether that page had a total, as a page within the limit has.
        package internal(set) var servesBeyondLimit = false
        /// How long the listing took to show a fresh association; nil if it did not within `patience`.
        package internal(set) var listingLag: Duration?
        /// Whether the listing was asked for it.
        package internal(set) var askedListing = false
        /// The headers of a 429 that say how long to wait; nil if no 429 came.
        package internal(set) var tooManyHeaders: [String: String]?
        /// Calls sent at once to see a 429; 0 for none.
        package internal(set) var burst = 0
        /// What could not be removed and has to be removed by hand.
        package internal(set) var leftBehind: [String] = []
        /// Why the probe gave up in between; nil if it did not.
        package internal(set) var gaveUp: String?

        /// Whether the store makes associations for owners who do not exist; nil if its answer does not say.
        package var acceptsUnknownOwners: Bool? {
            guard doubted[.unknownOwner] == nil, let unknownOwner else { return nil }
            if (200..<300).contains(unknownOwner) { return true }
            return [400, 404, 422].contains(unknownOwner) ? false : nil
        }
    }

    /// A question whose answer is one to a change.
    package enum Question: Sendable, CaseIterable {
        case unknownOwner, association, associationAgain, delete, missingDelete, unknownCart
    }

    private static let waits = Backoff(first: .milliseconds(250), longest: .seconds(5))

    private let client: CommerceClient
    private let owner: OwnerID?
    private let cart: CartID
    private let otherCart: CartID
    private let stranger: OwnerID
    private let patience: Duration

    /// - Parameters:
    ///   - owner: a customer who may be given the throw-away cart for a moment, if the store accepts no made-up one;
    ///     nil to try a made-up one only.
    ///   - suffix: makes the names of the carts and of the customer that is made up; letters and digits.
    package init?(_ client: CommerceClient, owner: OwnerID?, suffix: String, patience: Duration? = nil) {
        guard let cart = CartID("cartsync-probe-\(suffix)"), let other = CartID("cartsync-probe-\(suffix)-b"),
            let stranger = OwnerID("cartsync-probe-\(suffix)")
        else { return nil }
        self.client = client
        self.owner = owner
        self.cart = cart
        otherCart = other
        self.stranger = stranger
        self.patience = patience ?? APISettings.documentedLag
    }

    /// Asks everything and cleans up, even if it has to give up in between.
    ///
    /// - Parameters:
    ///   - burst: calls to send at once, over any limit, to see what a 429 says; 0 for none.
    ///   - tell: told what is tried, before it is.
    /// - Throws: `APIError` if the store cannot be asked at all.
    package func run(burst: Int = 0, tell: @Sendable (String) -> Void) async throws(APIError) -> Findings {
        var findings = Findings()
        var failure: APIError?
        do {
            try await ask(&findings, tell)
            if burst > 0 { try await provoke(burst, &findings, tell) }
        } catch {
            failure = error
        }
        findings.leftBehind = await cleanUp(tell)
        if let failure, findings.createCart == nil { throw failure }
        findings.gaveUp = failure?.message
        return findings
    }

    private func ask(_ findings: inout Findings, _ tell: @Sendable (String) -> Void) async throws(APIError) {
        tell("creating the throw-away cart \(cart)")
        let made = try await client.createCart(id: cart, name: "cartsync probe, to be removed")
        findings.createCart = made.status
        guard made.outcome == .created else {
            throw APIError(.refused, "the throw-away cart was not created: \(made.message ?? "no reason given")")
        }
        findings.existingCart = try await client.createCart(id: cart, name: "cartsync probe, to be removed").status

        tell("giving it to a customer that is made up")
        let unknown = try await change(.create, Association(.customer, stranger, cart), .unknownOwner, &findings)
        findings.unknownOwner = unknown.exchange.status
        let isAccepted = unknown.answer == .success
        let usable = isAccepted ? stranger : owner
        if let usable {
            let one = Association(.customer, usable, cart)
            let created = isAccepted ? unknown : try await change(.create, one, .association, &findings)
            findings.association = created.exchange.status
            if isAccepted { findings.doubted[.association] = findings.doubted[.unknownOwner] }
            if created.answer == .success {
                tell("waiting for the listing to show it, for at most \(patience.components.seconds) s")
                findings.askedListing = true
                findings.listingLag = try await lag(of: one)
                findings.associationAgain = try await change(.create, one, .associationAgain, &findings).exchange.status
                tell("deleting it, and once more")
                findings.delete = try await change(.delete, one, .delete, &findings).exchange.status
                findings.missingDelete = try await change(.delete, one, .missingDelete, &findings).exchange.status
            }
            tell("giving a customer the cart \(otherCart), which does not exist")
            let other = Association(.customer, usable, otherCart)
            findings.unknownCart = try await change(.create, other, .unknownCart, &findings).exchange.status
        }
        tell("listing beyond the documented largest offset")
        let beyond = try await client.perform(.page(offset: APISettings.documentedOffset + 1, limit: 1)) { answer in
            ListingPage(answer.body)
        }
        findings.offsetBeyondLimit = beyond.exchange.status
        findings.servesBeyondLimit = beyond.value.map { !$0.carts.isEmpty } ?? false
        tell("asking for accounts by a list of references")
        findings.referenceList = try await client.tryReferenceList([stranger.text, otherCart.text])
    }

    /// Makes one change as a run does, and notes if its first answer is not believed.
    private func change(
        _ kind: ChangeKind, _ association: Association, _ question: Question, _ findings: inout Findings
    ) async throws(APIError) -> EndedCall<Answer> {
        let call = try await client.perform(client.request(kind, association), decode: \.self)
        guard let doubted = call.doubted else { return call }
        let words = String(decoding: doubted.body.prefix(400), as: UTF8.self).printable(limit: 80)
        findings.doubted[question] = "HTTP \(doubted.status), \(doubted.isEmpty ? "empty" : words)"
        if kind == .create, doubted.status == 200, doubted.isEmpty, call.change == .alreadySo {
            findings.answersEmpty = true
        }
        return call
    }

    /// How long the first page, which has the carts that were changed last, takes to show an association.
    private func lag(of association: Association) async throws(APIError) -> Duration? {
        let began = client.time.now()
        for looks in 1... {
            let call = try await client.perform(.page(offset: 0, limit: 100)) { answer in ListingPage(answer.body) }
            let isShown = call.value?.carts.contains {
                $0.id == association.cart.text && $0.customers.contains(association.owner.id.text)
            }
            let passed = client.time.now() - began
            if isShown == true { return passed }
            let wait = Self.waits.wait(afterFailures: looks)
            guard passed + wait < patience else { return nil }
            try await client.pause(for: wait)
        }
        return nil
    }

    private func provoke(
        _ count: Int, _ findings: inout Findings, _ tell: @Sendable (String) -> Void
    ) async throws(APIError) {
        tell("sending \(count) listing calls at once, to see what a 429 says")
        findings.burst = count
        findings.tooManyHeaders = try await client.burst(count)
    }

    /// Removes both carts; returns what is left.
    private func cleanUp(_ tell: @Sendable (String) -> Void) async -> [String] {
        tell("removing what was made")
        var left: [String] = []
        for cart in [cart, otherCart] {
            do throws(APIError) {
                for id in [stranger, owner].compactMap(\.self) {
                    _ = try await client.delete(Association(.customer, id, cart))
                }
                if try await !client.removeCart(cart) { left.append("cart \(cart)") }
            } catch {
                left.append("cart \(cart), perhaps")
            }
        }
        return left
    }
}
