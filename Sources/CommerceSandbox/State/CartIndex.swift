import HashTreeCollections

/// An owner without a cart.
struct SandboxOwner: Hashable, Sendable {
    let kind: SandboxOwnerKind
    let id: String
}

/// One cart of the store. Times are seconds since 1970.
struct Cart: Sendable {
    let id: String
    var name: String
    var description: String?
    var contactEmail: String?
    /// Members of a cart that are kept and given back, and mean nothing to the sandbox.
    var extras: [String: JSONValue] = [:]
    var customers: [String] = []
    var accounts: [String] = []
    let created: Int
    var updated: Int

    subscript(kind: SandboxOwnerKind) -> [String] {
        get {
            switch kind {
            case .customer: customers
            case .account: accounts
            }
        }
        set {
            switch kind {
            case .customer: customers = newValue
            case .account: accounts = newValue
            }
        }
    }

    /// Whether a shopper is associated with it.
    var isRegistered: Bool { !customers.isEmpty || !accounts.isEmpty }

    fileprivate var owners: [SandboxOwner] {
        customers.map { SandboxOwner(kind: .customer, id: $0) } + accounts.map { SandboxOwner(kind: .account, id: $0) }
    }
}

/// The carts, by id, by owner and by their last update.
///
/// The order by update is a list that only grows at its end: a cart that moves leaves a gap, and the list is
/// written anew when half of it is gaps. So an update costs the same however many carts there are.
struct CartIndex {
    /// An object, since trees move their elements around.
    private final class Entry {
        let cart: Cart
        /// Its position in `order`.
        var place: Int
        /// The cart as the listing shows it, once it was listed.
        var listed: [UInt8]?

        init(cart: Cart, place: Int) {
            self.cart = cart
            self.place = place
        }
    }

    // Trees, since a hash table that grows holds up all calls while it moves a hundred thousand carts.
    private var entries: TreeDictionary<String, Entry> = [:]
    /// Ids, the latest updated last.
    private var order: [String?] = []
    private var byOwner: TreeDictionary<SandboxOwner, Set<String>> = [:]
    private(set) var registered = 0

    var count: Int { entries.count }

    var ids: Set<String> { Set(entries.keys) }

    var names: [String: String] { Dictionary(uniqueKeysWithValues: entries.map { ($0, $1.cart.name) }) }

    subscript(id: String) -> Cart? { entries[id]?.cart }

    var associations: Set<SandboxAssociation> {
        var found: Set<SandboxAssociation> = []
        for (owner, carts) in byOwner {
            for cart in carts { found.insert(SandboxAssociation(kind: owner.kind, owner: owner.id, cart: cart)) }
        }
        return found
    }

    /// Adds the cart or replaces the one with its id; `moved` puts it before all others in the listing.
    mutating func store(_ cart: Cart, moved: Bool) {
        let old = entries[cart.id]
        if let old {
            if old.cart.isRegistered { registered -= 1 }
            for owner in old.cart.owners { forget(owner, cart.id) }
        }
        if cart.isRegistered { registered += 1 }
        for owner in cart.owners { byOwner[owner, default: []].insert(cart.id) }

        if let old, !moved {
            entries[cart.id] = Entry(cart: cart, place: old.place)
            return
        }
        if let old { order[old.place] = nil }
        entries[cart.id] = Entry(cart: cart, place: order.count)
        order.append(cart.id)
        closeGaps()
    }

    mutating func remove(_ id: String) {
        guard let old = entries.removeValue(forKey: id) else { return }
        if old.cart.isRegistered { registered -= 1 }
        for owner in old.cart.owners { forget(owner, id) }
        order[old.place] = nil
        closeGaps()
    }

    private mutating func forget(_ owner: SandboxOwner, _ cart: String) {
        byOwner[owner]?.remove(cart)
        if byOwner[owner]?.isEmpty == true { byOwner[owner] = nil }
    }

    private mutating func closeGaps() {
        guard order.count > 2 * entries.count + 64 else { return }
        order = order.filter { $0 != nil }
        for (place, id) in order.enumerated() {
            if let id { entries[id]?.place = place }
        }
    }
}

/// Which carts a listing shows.
struct CartSelection {
    /// Only this shopper's carts.
    var owner: SandboxOwner?
    var filter: CartFilter?
    /// Only carts that have an owner.
    var registeredOnly = false
}

extension CartIndex {
    /// One page of the selected carts, the latest updated first, as JSON texts made by `render`, and the number of
    /// all selected carts.
    mutating func page(
        _ selection: CartSelection, offset: Int, limit: Int, render: (Cart) -> [UInt8]
    ) -> (carts: [[UInt8]], total: Int) {
        let ids: [String]
        let total: Int
        if let owner = selection.owner {
            let all = sorted(byOwner[owner] ?? [])
            (ids, total) = (Array(all.dropFirst(offset).prefix(limit)), all.count)
        } else if let filter = selection.filter {
            var all = order.reversed().compactMap { $0 }
            all.removeAll { id in
                guard let cart = entries[id]?.cart else { return true }
                return !filter.matches(cart) || selection.registeredOnly && !cart.isRegistered
            }
            (ids, total) = (Array(all.dropFirst(offset).prefix(limit)), all.count)
        } else {
            (ids, total) = (
                latest(offset: offset, limit: limit, registeredOnly: selection.registeredOnly && registered < count),
                selection.registeredOnly ? registered : count
            )
        }
        return (ids.map { listed($0, render: render) }, total)
    }

    /// The ids of the carts from `offset` on, the latest updated first.
    private func latest(offset: Int, limit: Int, registeredOnly: Bool) -> [String] {
        var ids: [String] = []
        ids.reserveCapacity(limit)
        var skipped = 0
        var place = order.count
        while place > 0 && ids.count < limit {
            place -= 1
            guard let id = order[place] else { continue }
            if registeredOnly && entries[id]?.cart.isRegistered != true { continue }
            if skipped < offset {
                skipped += 1
            } else {
                ids.append(id)
            }
        }
        return ids
    }

    private func sorted(_ ids: Set<String>) -> [String] {
        ids.compactMap { id in entries[id].map { (id, $0.place) } }.sorted { $0.1 > $1.1 }.map(\.0)
    }

    private mutating func listed(_ id: String, render: (Cart) -> [UInt8]) -> [UInt8] {
        guard let entry = entries[id] else { return [] }
        if let listed = entry.listed { return listed }
        let listed = render(entry.cart)
        entries[id]?.listed = listed
        return listed
    }
}
