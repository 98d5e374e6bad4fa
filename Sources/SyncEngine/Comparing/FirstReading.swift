import AssociationDiff
import CartAssociations
import ExportFiles
import Ledger

/// The first reading of a run's exports: every usable record becomes a fingerprint, and what is in doubt is noted.
struct FirstReading {
    let key: FingerprintKey
    private let oneOwnerPerCart: Bool
    private let spillFolder: String

    let doubts: NamesInDoubt
    /// In which orders the records stand, and where they end.
    private(set) var ranges = KeyRanges()
    /// The carts with several owners, if a cart may have only one.
    private var sharedCarts = FingerprintSet()
    private var accounts: FewAccounts

    /// - Parameters:
    ///   - exports: the names of the exports.
    ///   - spillFolder: the folder of what does not fit into memory.
    init(_ options: RunOptions, exports: [String], key: FingerprintKey, spillFolder: String) {
        self.key = key
        self.spillFolder = spillFolder
        doubts = NamesInDoubt(
            key, exports: exports, carts: options.reading.carts, hidesOwners: options.hidesOwners,
            spillFolder: spillFolder)
        oneOwnerPerCart = options.oneOwnerPerCart
        // Only a listing of everything shows what the scope `all` may delete.
        accounts = FewAccounts(
            isWanted: options.current != .ledger && options.current != .none && options.scope != .all)
    }

    /// The only owners that the run is about, if these are accounts and few: those of the exports, and those of
    /// whom the source asserted something before.
    func accounts(with ledger: Ledger, source: String) throws -> Set<OwnerID>? {
        guard !accounts.isEmpty else { return nil }
        var accounts = accounts
        try ledger.forEachOwner(from: source) {
            $0.isAsserted && $0.ownerKind == .account
        } visit: {
            accounts.add($0, $1, key)
        }
        return accounts.ids
    }

    /// Reads all exports and adds every usable record to the comparison.
    ///
    /// - Parameter owners: gets the owners of the records, if they are asked for.
    mutating func read(
        _ exports: RunExports, into diff: inout AssociationDiff, owners: inout NamedRows?
    ) throws {
        var carts = SharedCarts(memoryBudget: RunOptions.fingerprintBudget, spillFolder: spillFolder)
        var reading = exports.read()
        while let batch = try reading.next() {
            let text = batch.text.span
            for record in batch.records {
                guard let statement = record.statement else { continue }
                let kind = statement.kind
                let owner = text.extracting(statement.owner.range)
                let cart = text.extracting(statement.cart.range)
                let isDelete = statement.action == .delete
                if isDelete { try doubts.ask(cart: cart) }
                try diff.add(key.fingerprint(kind, owner: owner, cart: cart), to: isDelete ? .unwanted : .wanted)
                if accounts.ids != nil { accounts.add(kind, owner, key) }
                try owners?.add(key.fingerprint(kind, owner: owner))
                if oneOwnerPerCart && !isDelete {
                    try carts.add(cart: key.fingerprint(cart: cart), owner: key.fingerprint(kind, owner: owner))
                }
            }
            ranges.add(batch, of: reading.export)
            for part in batch.doubtful {
                try doubts.add(part)
                try exports.owners?.forEachName(in: part) {
                    try doubts.add(name: $0, of: part)
                } unknown: {
                    doubts.addAnyOwner(of: part, because: $0)
                }
            }
        }
        sharedCarts = try carts.find()
    }

    /// Whether any cart has two owners and may have only one.
    var hasSharedCarts: Bool { !sharedCarts.isEmpty }

    func isShared(_ cart: CartID) -> Bool { hasSharedCarts && sharedCarts.contains(key.fingerprint(cart)) }

    func isShared(cart: Span<UInt8>) -> Bool { hasSharedCarts && sharedCarts.contains(key.fingerprint(cart: cart)) }
}
