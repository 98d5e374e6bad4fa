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
    /// How many characters any key has that can stand beside one, at most.
    private var separators = 0
    private var hasDoubts = false
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
        let doubts = try finder.findDoubts(crosswalk)
        return (KnownOwners(finder.table, finder.form, carts: finder.carts, doubts), finder.figures)
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
        form = OwnerKeyForm(key: tools.ledger.fingerprintKey, foldsCase: false)
        figures = OwnerLookups()
    }

    // MARK: - Exports and crosswalk

    /// The name under which the ledger remembers how many characters a key has at most that can stand beside one.
    private static let separatorsFact = "separators in keys"

    /// Reads the exports for the keys alone, and the crosswalk for what it says of them.
    private mutating func readExports(_ crosswalk: Crosswalk?) throws {
        separators = try tools.ledger.ownerFact(Self.separatorsFact).flatMap(Int.init) ?? 0
        try collect()
        if let crosswalk { try read(crosswalk) }
        if tools.ledger.canRemember, separators > 0 {
            try tools.ledger.rememberOwnerFact(Self.separatorsFact, "\(separators)")
        }
    }

    /// Reads the exports once for the keys alone.
    private mutating func collect() throws {
        tools.progress.enter(.reading)
        var wanted: [OwnerList: OwnerKeySet] = [:]
        var names = OwnerKeySet()
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
            if !batch.doubtful.isEmpty { hasDoubts = true }
        }
        table = OwnerKeyTable(wanted: consume wanted)
        if carts != nil { carts = OwnerKeyTable(inDoubt: consume names) }
        figures.keys = table.wanted
    }

    private mutating func read(_ crosswalk: Crosswalk) throws {
        try crosswalk.forEach { field, key, owner in
            separators = max(separators, DoubtfulValues.separators(in: key))
            table.set(form.fingerprint(field, key), owner)
        } cart: { name, cart in
            separators = max(separators, DoubtfulValues.separators(in: name))
            carts?.set(form.key.fingerprint(cart: name), cart)
        }
        figures.fromCrosswalk = figures.keys - table.missing()
        figures.carts = carts?.found ?? 0
    }

    // MARK: - What is in doubt

    /// Looks for keys in the parts of the exports that are not understood, now that all these are known: a record whose
    /// key stands for nobody is one of them, and the key of another record may stand in it.
    ///
    /// - Returns: nil if all records are usable.
    private func findDoubts(_ crosswalk: Crosswalk?) throws -> KeysInDoubt? {
        let mayReject = figures.unknown + figures.ambiguous > 0 || carts != nil || exports.carts.areOther
        guard hasDoubts || mayReject else { return nil }
        var doubts = KeysInDoubt(fields, hasCarts: carts != nil, separators: separators)
        var (keys, names) = (OwnerKeySet(), OwnerKeySet())
        var reading = exports.readKeys(resolvedBy: KnownOwners(table, form, carts: carts))
        while let batch = try reading.next() {
            for part in batch.doubtful {
                doubts.note(part, delimiter: reading.delimiter, form) {
                    keys.insert($0)
                } cart: {
                    names.insert($0)
                }
            }
        }
        doubts.owners = OwnerKeyTable(inDoubt: keys)
        doubts.carts = OwnerKeyTable(inDoubt: names)
        try crosswalk?.forEach {
            doubts.owners.set(form.fingerprint($0, $1), $2)
        } cart: {
            doubts.carts.set(form.key.fingerprint(cart: $0), $1)
        }
        if tools.ledger.canRemember { try remember(doubts.owners.positions, of: doubts.owners, .crosswalk) }
        try doubts.owners.recall(tools.ledger, foundSince: oldest)
        return doubts
    }

    // MARK: - The ledger

    private mutating func recall() throws {
        try rememberCrosswalk()
        let before = table.missing()
        try table.recall(tools.ledger, foundSince: oldest)
        figures.remembered = before - table.missing()
    }

    /// What was found before is not believed any more.
    private var oldest: Date { tools.time.wall() - settings.fresh / .seconds(1) }

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
        try remember(table.positions, of: table, .crosswalk)
        try tools.ledger.rememberOwnerFact(Self.crosswalkFact, now)
    }

    /// Remembers the owners of a table's keys that stand for one.
    func remember(
        _ positions: some Sequence<Int>, of table: OwnerKeyTable, _ origin: Ledger.OwnerKeyOrigin
    ) throws {
        try tools.ledger.rememberOwners(
            positions.lazy.compactMap { position -> (key: Fingerprint, owner: OwnerID)? in
                table.owner(of: position)?.id.map { (table.fingerprint(position), $0) }
            }, origin, at: tools.time.wall())
    }
}

extension OwnerKeyTable {
    /// Takes up what a ledger remembers of the keys.
    ///
    /// - Parameter oldest: what was found before may have changed since.
    fileprivate mutating func recall(_ ledger: Ledger, foundSince oldest: Date) throws {
        try ledger.forEachOwner(of: unsettled) { position, owner, remembered in
            // What a crosswalk said is nothing to go by when it says so no more, but for what is in doubt.
            let isSure = remembered.at >= oldest && (remembered.origin == .asked || remembered.origin == .directory)
            set(position, owner, isStale: !isSure)
        }
    }
}
