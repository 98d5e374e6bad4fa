import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
import Ledger
import SyncReporting

/// Finds out which owners the keys of a run's exports stand for: from the crosswalk, from what the ledger remembers, and
/// from the store, in this order.
struct OwnerFinder {
    let settings: OwnerKeySettings
    let tools: RunTools
    let exports: RunExports
    let fields: [OwnerKeyField]
    var form: OwnerKeyForm
    var table = OwnerKeyTable()
    /// What carts were called; nil if no crosswalk says so.
    private var carts: OwnerKeyTable?
    private var doubts: KeysInDoubt
    var figures: OwnerLookups
    /// The first page of the customers, if it was read for another reason.
    var firstCustomers: OwnersPage?

    /// Nil if the exports have ids and no keys, and no crosswalk has carts.
    ///
    /// - Parameter asksStore: false leaves what neither crosswalk nor ledger know unknown.
    static func find(
        _ settings: OwnerKeySettings, _ reading: ReadingOptions, _ tools: RunTools, _ exports: RunExports,
        asksStore: Bool = true
    ) async throws -> (owners: KnownOwners, figures: OwnerLookups)? {
        let crosswalk = settings.crosswalk.map { Crosswalk($0, reading, spoolFolder: tools.ledger.folder) }
        let hasCarts = try crosswalk?.hasCarts ?? false
        if hasCarts { exports.lookUpCarts() }
        let fields = try exports.ownerKeyFields()
        guard !fields.isEmpty || hasCarts else { return nil }
        var finder = OwnerFinder(settings, tools, exports, fields, hasCarts: hasCarts)
        try await finder.findForm(asksStore)
        try finder.readExports(crosswalk)
        try finder.recall()
        try await finder.askStore(asksStore)
        (finder.figures.unknown, finder.figures.ambiguous) = finder.table.problems
        return (KnownOwners(finder.table, finder.form, carts: finder.carts, finder.doubts), finder.figures)
    }

    private init(
        _ settings: OwnerKeySettings, _ tools: RunTools, _ exports: RunExports, _ fields: Set<OwnerKeyField>,
        hasCarts: Bool
    ) {
        self.settings = settings
        self.tools = tools
        self.exports = exports
        self.fields = fields.sorted { $0.code < $1.code }
        carts = hasCarts ? OwnerKeyTable() : nil
        doubts = KeysInDoubt(self.fields, hasCarts: hasCarts, separators: 0)
        form = OwnerKeyForm(key: tools.ledger.fingerprintKey, foldsCase: false)
        figures = OwnerLookups()
    }

    // MARK: - Exports and crosswalk

    /// The name under which the ledger remembers how many characters a key has at most that can stand beside one.
    private static let separatorsFact = "separators in keys"

    /// Reads the exports for the keys alone, and the crosswalk for what it says of them.
    ///
    /// How long the keys are that parts which were not understood may have is known only when all others have been seen:
    /// if they have more words than was known, everything is read again.
    private mutating func readExports(_ crosswalk: Crosswalk?) throws {
        var separators = try tools.ledger.ownerFact(Self.separatorsFact).flatMap(Int.init) ?? 0
        while true {
            doubts = KeysInDoubt(fields, hasCarts: carts != nil, separators: separators)
            var found = try collect()
            if let crosswalk { found.separators = max(found.separators, try read(crosswalk)) }
            let isEnough = found.separators <= separators
            separators = max(separators, found.separators)
            if isEnough || !found.hasDoubts { break }
        }
        if tools.ledger.canRemember, separators > 0 {
            try tools.ledger.rememberOwnerFact(Self.separatorsFact, "\(separators)")
        }
    }

    /// Reads the exports once for the keys alone.
    private mutating func collect() throws -> (separators: Int, hasDoubts: Bool) {
        tools.progress.enter(.reading)
        var wanted: [OwnerList: OwnerKeySet] = [:]
        var (inDoubt, names) = (OwnerKeySet(), OwnerKeySet())
        var (separators, hasDoubts) = (0, false)
        var reading = exports.readKeys()
        while let batch = try reading.next() {
            let text = batch.text.span
            for record in batch.records {
                guard let statement = record.statement else { continue }
                if carts != nil {
                    let name = text.extracting(statement.cart.range)
                    names.insert(form.key.fingerprint(cart: name))
                    separators = max(separators, DoubtfulValues.separators(in: name))
                }
                guard let field = statement.keyField else { continue }
                let key = text.extracting(statement.key.range)
                wanted[OwnerList(field), default: OwnerKeySet()].insert(form.fingerprint(field, key))
                if field.key != .id { separators = max(separators, DoubtfulValues.separators(in: key)) }
            }
            for part in batch.doubtful {
                hasDoubts = true
                doubts.note(part, delimiter: reading.delimiter, form) {
                    inDoubt.insert($0)
                } cart: {
                    names.insert($0)
                }
            }
        }
        table = OwnerKeyTable(wanted: wanted, inDoubt: inDoubt)
        if carts != nil { carts = OwnerKeyTable(inDoubt: names) }
        figures.keys = table.wanted
        return (separators, hasDoubts)
    }

    /// Returns how many characters a key of the crosswalk has at most that can stand beside one.
    private mutating func read(_ crosswalk: Crosswalk) throws -> Int {
        var separators = 0
        try crosswalk.forEach { field, key, owner in
            separators = max(separators, DoubtfulValues.separators(in: key))
            guard let position = table.position(of: form.fingerprint(field, key)) else { return }
            table.set(position, owner)
        } cart: { name, cart in
            separators = max(separators, DoubtfulValues.separators(in: name))
            guard let position = carts?.position(of: form.key.fingerprint(cart: name)) else { return }
            carts?.set(position, cart)
        }
        figures.fromCrosswalk = figures.keys - table.missing()
        figures.carts = carts?.found ?? 0
        return separators
    }

    // MARK: - The ledger

    private mutating func recall() throws {
        try rememberCrosswalk()
        let oldest = tools.time.wall() - settings.fresh / .seconds(1)
        let before = table.missing()
        try tools.ledger.forEachOwner(of: table.unsettled) { position, owner, remembered in
            // What a crosswalk said is nothing to go by when it says so no more, but for what is in doubt.
            let isSure = remembered.at >= oldest && (remembered.origin == .asked || remembered.origin == .directory)
            table.set(position, owner, isStale: !isSure)
        }
        figures.remembered = before - table.missing()
    }

    /// The name under which the ledger remembers which part of a crosswalk was used last.
    private static let crosswalkFact = "crosswalk"

    /// Remembers what the crosswalk says: a later one may not have it, and a damaged export the key.
    private mutating func rememberCrosswalk() throws {
        guard tools.ledger.canRemember, figures.fromCrosswalk > 0 else { return }
        var (sum, count) = (UInt64(0), 0)
        var text: [UInt8] = []
        for position in table.positions {
            text.removeAll(keepingCapacity: true)
            guard case .owner = table.meaning(of: position, into: &text) else { continue }
            sum &+= form.key.fingerprint(.customer, owner: text.span).low ^ table.fingerprint(position).low
            count += 1
        }
        let now = "\(count) \(sum)"
        guard try tools.ledger.ownerFact(Self.crosswalkFact) != now else { return }
        try remember(table.positions.filter { table.owner(of: $0)?.id != nil }, .crosswalk)
        try tools.ledger.rememberOwnerFact(Self.crosswalkFact, now)
    }

    /// Remembers the owners of keys that stand for one.
    func remember(_ positions: some Sequence<Int>, _ origin: Ledger.OwnerKeyOrigin) throws {
        try tools.ledger.rememberOwners(
            positions.lazy.compactMap { [table] position -> (key: Fingerprint, owner: OwnerID)? in
                table.owner(of: position)?.id.map { (table.fingerprint(position), $0) }
            }, origin, at: tools.time.wall())
    }
}
