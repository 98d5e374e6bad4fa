import AssociationDiff
import CartAssociations
import CommerceAPI
import Ledger

/// What exists now, as far as the run knows, and how it knows.
struct CurrentAssociations {
    /// What it was learnt from.
    let source: CurrentSource
    /// Why there, in a sentence.
    let reason: String
    /// What the store's listing showed; empty if it was not used.
    var listed: [Association] = []
    /// Whether everything that `covers` holds for was shown; what is incomplete may keep creates away and causes no
    /// delete.
    var isComplete = true
    /// The owners that were listed one by one; nil if all were.
    private var owners: Set<Owner>?
    /// What to heed if an earlier run asked for the listing; nil for the run's own.
    private(set) var earlier: StoreListing.Earlier?
    /// The carts that the listing showed.
    var carts: Set<CartID> = []

    private init(_ source: CurrentSource, _ reason: String) {
        self.source = source
        self.reason = reason
    }

    /// What a complete listing of the store showed.
    private init(_ found: StoreListing.Found) {
        let listing = found.listing
        let size = Count.text(listing.cartIDs.count, "cart")
        self.init(
            .api,
            found.earlier.map {
                "the listing of \($0.age.components.seconds) s ago, by an earlier run, is complete, \(size)"
            }
                ?? "the listing is complete, \(size)")
        earlier = found.earlier
        listed = listing.associations
        carts = listing.cartIDs
    }

    /// Whether what exists of this owner is known.
    func covers(_ owner: Owner) -> Bool {
        owners?.contains(owner) ?? true
    }

    /// Whether what the listing showed of a cart still says what exists.
    func isNew(_ cart: CartID) -> Bool { earlier?.changed.contains(cart) != true }

    /// Asks the store or the ledger, or takes nothing for existing.
    ///
    /// - Parameters:
    ///   - accounts: the only owners that the run is about, if these are accounts and not too many.
    ///   - isShared: whether an earlier run's listing will do.
    ///
    /// Throws `APIError` if the store was asked and no call to it makes sense.
    static func find(
        _ wish: CurrentSource, accounts: Set<OwnerID>?, isShared: Bool, tools: RunTools
    ) async throws -> CurrentAssociations {
        switch wish {
        case .ledger: return CurrentAssociations(.ledger, "as asked")
        case .none: return CurrentAssociations(.none, "as asked, everything is asserted again")
        case .api, .auto: break
        }
        tools.progress.enter(.listing)
        let store = StoreListing(tools: tools, isShared: isShared)
        if let accounts {
            // One call for each account, if one for each hundred carts of the store would be more.
            let whole = try await store.list(mostPages: accounts.count)
            if whole.listing.isComplete { return CurrentAssociations(whole) }
            if let current = try await list(accounts, tools.client, tools.progress) { return current }
        }
        let found = try await store.list()
        let listing = found.listing
        guard case .incomplete(let reason) = listing.completeness else { return CurrentAssociations(found) }
        if wish == .auto { return CurrentAssociations(.ledger, "the listing is not complete: \(reason)") }
        var current = CurrentAssociations(.api, "the listing is not complete and causes no delete: \(reason)")
        current.listed = listing.associations
        current.carts = listing.cartIDs
        current.isComplete = false
        current.earlier = found.earlier
        return current
    }

    /// Asks the store shopper by shopper, or the ledger, or takes nothing for existing.
    ///
    /// - Parameter shoppers: the tokens of the run's owners; nil if these are too many for `auto`.
    ///
    /// Throws `APIError` if the store was asked and no call to it makes sense.
    static func find(
        _ wish: CurrentSource, shoppers: ShopperTokens?, client: CommerceClient, progress: RunProgress
    ) async throws -> CurrentAssociations {
        switch wish {
        case .ledger: return CurrentAssociations(.ledger, "as asked")
        case .none: return CurrentAssociations(.none, "as asked, everything is asserted again")
        case .api, .auto: break
        }
        guard let shoppers else {
            return CurrentAssociations(
                .ledger, "shoppers are asked one by one, and there are more than \(ShopperTokens.mostListed)")
        }
        if wish == .auto && shoppers.hasGaps {
            return CurrentAssociations(.ledger, "the export has no token for some of the owners that the run is about")
        }
        progress.enter(.listing)
        let listing = try await client.listAssociations(ofShoppers: shoppers.all) { progress.advance(to: $0, of: $1) }
        var reason = "the listings of \(shoppers.all.count) shoppers are complete"
        if shoppers.hasGaps { reason = "the listing has the owners only whose token is in the export" }
        if case .incomplete(let why) = listing.completeness {
            if wish == .auto { return CurrentAssociations(.ledger, "the listing is not complete: \(why)") }
            reason = "the listing is not complete and causes no delete: \(why)"
        }
        var current = CurrentAssociations(.api, reason)
        current.owners = Set(shoppers.all.map(\.owner))
        current.listed = listing.associations
        current.carts = listing.cartIDs
        current.isComplete = listing.isComplete
        return current
    }

    /// Lists the carts of each account; nil if one of these listings is not complete.
    private static func list(
        _ accounts: Set<OwnerID>, _ client: CommerceClient, _ progress: RunProgress
    ) async throws -> CurrentAssociations? {
        let word = accounts.count == 1 ? "account" : "accounts"
        var current = CurrentAssociations(.api, "the listings of \(accounts.count) \(word) are complete")
        current.owners = Set(accounts.map { Owner(kind: .account, id: $0) })
        for (number, account) in accounts.sorted().enumerated() {
            let listing = try await client.listAssociations(of: .account(account))
            guard listing.isComplete else { return nil }
            // Its carts may have other owners, of whom this says not everything.
            let owner = Owner(kind: .account, id: account)
            current.carts.formUnion(listing.cartIDs)
            current.listed += listing.associations.filter { $0.owner == owner }
            progress.advance(to: number + 1, of: accounts.count)
        }
        return current
    }
}

/// The accounts that a run is about, as long as they are few enough to be listed one by one.
struct FewAccounts {
    /// More would keep a store at its limit for minutes only to learn what exists.
    private static let most = 1_000

    /// Nil once there are too many, or an owner is a customer.
    private(set) var ids: Set<OwnerID>?
    private var seen = FingerprintSet()

    /// - Parameter isWanted: whether they matter at all.
    init(isWanted: Bool) { ids = isWanted ? [] : nil }

    var isEmpty: Bool { ids?.isEmpty ?? true }

    /// Notes one owner.
    mutating func add(_ kind: OwnerKind, _ owner: Span<UInt8>, _ key: FingerprintKey) {
        guard ids != nil, seen.insert(key.fingerprint(kind, owner: owner)) else { return }
        var bytes: [UInt8] = []
        for index in owner.indices { bytes.append(owner[index]) }
        guard kind == .account, let id = OwnerID(String(decoding: bytes, as: UTF8.self)) else { return ids = nil }
        ids?.insert(id)
        if seen.count > Self.most { ids = nil }
    }
}
