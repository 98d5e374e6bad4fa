package import CartAssociations
import Logging

/// Whose carts are listed.
package enum ListingScope: Sendable, Hashable {
    /// All carts of the store.
    case store
    /// One account's carts, by the filter of the listing; with client credentials only.
    case account(OwnerID)
    /// The carts of the shopper whose token this is.
    case shopper(ShopperToken)
}

/// Which associations a listing of carts showed, and whether these are all.
package struct Listing: Sendable {
    package enum Completeness: Sendable, Hashable {
        case complete
        /// Not all carts were seen; the reason in a sentence.
        case incomplete(String)
    }

    package var associations: [Association] = []
    /// The carts that were seen, those without an owner included.
    package var cartIDs: Set<CartID> = []
    /// Distinct carts seen.
    package internal(set) var carts = 0
    /// Carts that the store says there are.
    var total: Int?
    /// Pages read in the last try.
    var pages = 0
    /// Associations whose cart or owner has an id that no export can name; they are not in `associations`.
    var unusable = 0
    /// An incomplete listing may keep creates away, and must never cause a delete.
    package internal(set) var completeness = Completeness.complete

    /// A complete listing of a store without carts.
    package init() {}

    package var isComplete: Bool { completeness == .complete }
}

extension CommerceClient {
    /// Carts of one page, the most there are (Elastic Path, carts, get carts).
    static let pageLimit = 100
    /// The carts that a listing can show at most.
    package var reachableCarts: Int { options.largestOffset + Self.pageLimit }
    /// Listings begun before an incomplete one is accepted: carts may be made while the pages are read.
    static let listingTries = 3

    /// Reads the carts of a scope page by page, and judges whether they are all: every page came, the total did not
    /// move, and as many distinct carts were seen as the store says there are.
    ///
    /// - Parameters:
    ///   - mostPages: a listing that would take more is given up after its first page, as an incomplete one; nil for no bound.
    ///   - progress: told carts read and the total after each page.
    /// - Throws: `APIError` if a page cannot be read at all.
    package func listAssociations(
        of scope: ListingScope = .store, mostPages: Int? = nil,
        progress: @Sendable (_ read: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(APIError) -> Listing {
        if let problem = problem(with: scope) { throw APIError(.refused, problem) }
        let mostCarts = min(reachableCarts, (mostPages ?? .max / Self.pageLimit) * Self.pageLimit)
        var listing = Listing()
        for number in 1...Self.listingTries {
            listing = try await listOnce(scope, mostCarts, progress)
            guard case .incomplete(let reason) = listing.completeness else { return listing }
            if let total = listing.total, total > mostCarts { return listing }
            if listing.pages == 0 { return listing }
            logger.notice(
                "a listing of carts is incomplete", metadata: ["reason": "\(reason)", "try": "\(number)"])
        }
        return listing
    }

    private func listOnce(
        _ scope: ListingScope, _ mostCarts: Int, _ progress: @Sendable (_ read: Int, _ total: Int) -> Void
    ) async throws(APIError) -> Listing {
        var listing = Listing()
        var seen: Set<String> = []
        var offset = 0
        while true {
            let page: ListingPage
            switch try await self.page(scope, offset: offset) {
            case .page(let read): page = read
            case .tokenRefused(let sentence): return listing.incomplete(sentence)
            }
            listing.pages += 1
            for cart in page.carts where seen.insert(cart.id).inserted { listing.add(cart) }
            listing.carts = seen.count
            guard let total = page.total else {
                return listing.incomplete("the store does not say how many carts there are")
            }
            if let before = listing.total, before != total {
                return listing.incomplete("the number of carts moved from \(before) to \(total) during the listing")
            }
            listing.total = total
            progress(seen.count, total)
            guard total <= reachableCarts else {
                return listing.incomplete(
                    "the store has \(total) carts, and a listing shows at most \(reachableCarts)")
            }
            guard total <= mostCarts else { return listing.incomplete("it would take more than \(mostCarts) carts") }
            offset += Self.pageLimit
            if page.carts.isEmpty || offset >= total { break }
        }
        guard seen.count == listing.total else {
            return listing.incomplete(
                "\(seen.count) different carts were seen, and the store says there are \(listing.total ?? 0)")
        }
        return listing
    }

    private func problem(with scope: ListingScope) -> String? {
        switch (scope, options.authentication) {
        case (.store, .clientCredentials), (.account, .clientCredentials), (.shopper, .shopper): nil
        case (.store, .shopper), (.account, .shopper):
            "a listing of the store needs client credentials; set api.authentication to client_credentials, or "
                + "--current to ledger"
        case (.shopper, .clientCredentials):
            "a shopper's token never goes with client credentials; set api.authentication to shopper"
        }
    }

    private enum PageAnswer {
        case page(ListingPage)
        /// The store does not accept the shopper's token, in a sentence; other shoppers' may be valid.
        case tokenRefused(String)
    }

    private func page(_ scope: ListingScope, offset: Int) async throws(APIError) -> PageAnswer {
        var path = "/v2/carts?page%5Blimit%5D=\(Self.pageLimit)&page%5Boffset%5D=\(offset)"
        var shopper: ShopperToken?
        switch scope {
        case .store: break
        case .account(let id): path += "&filter=" + formEncoded("contains(account_ids,\"\(id.text)\")")
        case .shopper(let token): shopper = token
        }
        let request = APIRequest(operation: .list, method: .get, path: path, shopper: shopper)
        let call = try await perform(request) { answer in ListingPage(answer.body) }
        if let page = call.value { return .page(page) }
        if shopper != nil, [.unauthorized, .forbidden, .refused].contains(call.answer), standingError == nil {
            return .tokenRefused(call.sentence ?? "the store refused the token")
        }
        throw failure(of: call, "listing the carts")
    }
}

extension CommerceClient {
    /// Whose rights the calls have.
    package var authentication: Authentication { options.authentication }

    /// Reads the carts of several shoppers, each by their own token, as one listing of these owners' associations.
    ///
    /// It is incomplete if an owner has no token, if the store refuses one, or if not all carts of one owner were seen.
    ///
    /// - Parameters:
    ///   - owners: an owner without a token is not asked about.
    ///   - progress: told owners asked about and the owners in all.
    /// - Throws: `APIError` if no further call makes sense.
    package func listAssociations(
        ofShoppers owners: [(owner: Owner, token: ShopperToken?)],
        progress: @Sendable (_ read: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(APIError) -> Listing {
        var whole = Listing()
        for (number, (owner, token)) in owners.enumerated() {
            guard let token else {
                whole.completeness = .incomplete("the export has no token for one of the owners")
                continue
            }
            let listing = try await listAssociations(of: .shopper(token))
            if case .incomplete(let reason) = listing.completeness {
                whole.completeness = .incomplete("the carts of one owner: \(reason)")
            }
            // Their carts may have other owners, whose other carts are not listed here.
            whole.associations += listing.associations.filter { $0.owner == owner }
            whole.cartIDs.formUnion(listing.cartIDs)
            whole.pages += listing.pages
            progress(number + 1, owners.count)
        }
        whole.carts = whole.cartIDs.count
        return whole
    }
}

extension Listing {
    fileprivate mutating func add(_ cart: ListingPage.Cart) {
        guard let id = CartID(cart.id) else {
            unusable += cart.customers.count + cart.accounts.count
            return
        }
        cartIDs.insert(id)
        for (kind, owners) in [(OwnerKind.customer, cart.customers), (.account, cart.accounts)] {
            for owner in Set(owners) {
                guard let owner = OwnerID(owner) else {
                    unusable += 1
                    continue
                }
                associations.append(Association(kind, owner, id))
            }
        }
    }

    fileprivate func incomplete(_ reason: String) -> Listing {
        var listing = self
        listing.completeness = .incomplete(reason)
        return listing
    }
}
