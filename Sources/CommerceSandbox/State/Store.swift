/// The whole memory of a sandbox: carts, tokens and settings. It decides every answer and does no I/O.
///
/// Times are since the sandbox began; `epoch` turns them into dates.
struct Store {
    let options: SandboxOptions
    /// When the sandbox began, in seconds since 1970.
    let epoch: Int
    /// The address that links begin with.
    var address = ""
    var tokens: TokenBook
    var settings = CartSettings()
    private(set) var carts = CartIndex()
    /// The carts as the listing shows them, if it lags behind.
    private var shown: CartIndex?
    private var unseen: [(visible: Duration, change: CartChange)] = []
    /// Those who exist: the owners of the carts and the lists that the sandbox was started with.
    private var directories: [OwnerList: OwnerDirectory]
    private(set) var effects = 0
    private(set) var autoCreatedCarts = 0
    private var random: SplitMix64

    private enum CartChange {
        case stored(Cart, moved: Bool)
        case removed(String)
    }

    init(options: SandboxOptions, epoch: Int) {
        self.options = options
        behaviour = options.behaviour
        self.epoch = epoch
        tokens = TokenBook(lifetime: options.tokenLifetime, seed: options.seed)
        random = SplitMix64(seed: options.seed ^ 0x5EED_CA27)
        for cart in options.carts {
            var stored = Cart(id: cart.id, name: cart.name, created: epoch, updated: epoch)
            stored.description = cart.description
            stored.contactEmail = cart.contactEmail
            stored.customers = cart.customers
            stored.accounts = cart.accounts
            carts.store(stored, moved: true)
        }
        directories = [
            .customers: OwnerDirectory(
                options.owners.customers + options.carts.flatMap(\.customers).map { .init(id: $0) }),
            .accounts: OwnerDirectory(
                options.owners.accounts + options.carts.flatMap(\.accounts).map { .init(id: $0) }),
            .members: OwnerDirectory(options.owners.members),
        ]
        if options.behaviour.listingLag > .zero { shown = carts }
    }

    func knows(_ kind: SandboxOwnerKind, _ owner: String) -> Bool {
        directory(kind == .customer ? .customers : .accounts).contains(owner)
    }

    func directory(_ list: OwnerList) -> OwnerDirectory { directories[list] ?? OwnerDirectory([]) }

    /// Has these customers from now on, in the order in which they were created.
    mutating func have(customers: [SandboxOwnerEntry]) { directories[.customers] = OwnerDirectory(customers) }

    private(set) var behaviour: SandboxBehaviour

    /// Behaves so from now on.
    mutating func behave(_ behaviour: SandboxBehaviour) {
        self.behaviour = behaviour
        if behaviour.listingLag > .zero && shown == nil { shown = carts }
    }

    var text: CartText { CartText(address: address, emptyRelationship: behaviour.emptyRelationship) }

    func date(_ now: Duration) -> Int { epoch + Int(now.components.seconds) }

    /// Writes a cart.
    mutating func store(_ cart: Cart, moved: Bool = true, now: Duration) {
        var cart = cart
        if moved { cart.updated = date(now) }
        carts.store(cart, moved: moved)
        effects += 1
        later(.stored(cart, moved: moved), now)
    }

    mutating func remove(_ id: String, now: Duration) {
        carts.remove(id)
        effects += 1
        later(.removed(id), now)
    }

    /// A new cart with the default name, because a request named its id.
    mutating func autoCreate(_ id: String, now: Duration) -> Cart {
        let cart = Cart(id: id, name: "Cart", created: date(now), updated: date(now))
        store(cart, now: now)
        autoCreatedCarts += 1
        return cart
    }

    /// A free cart id in the form of a UUID.
    mutating func newID() -> String {
        let digits = Array(random.hexadecimal(digits: 32))
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }
        return groups.joined(separator: "-")
    }

    private mutating func later(_ change: CartChange, _ now: Duration) {
        if shown != nil { unseen.append((now + behaviour.listingLag, change)) }
    }

    /// A page of what the listing shows now.
    mutating func page(
        _ selection: CartSelection, offset: Int, limit: Int, now: Duration
    ) -> (carts: [[UInt8]], total: Int) {
        let render = text.listed
        guard shown != nil else { return carts.page(selection, offset: offset, limit: limit, render: render) }
        let due = unseen.prefix { $0.visible <= now }
        for (_, change) in due {
            switch change {
            case .stored(let cart, let moved): shown?.store(cart, moved: moved)
            case .removed(let id): shown?.remove(id)
            }
        }
        unseen.removeFirst(due.count)
        return shown?.page(selection, offset: offset, limit: limit, render: render) ?? ([], 0)
    }
}
