import AssociationDiff
import CartAssociations
import ExportFiles
import Ledger

/// Compares what the exports want with what exists, and drafts the plan and what it tells the ledger.
///
/// First what exists is joined with the first reading; then the exports are read again for the records that differ,
/// and the ledger for the rows that nothing wants. Both have to come in the same order again.
struct Comparison {
    let options: RunOptions
    let exports: RunExports
    let ledger: Ledger
    let key: FingerprintKey
    let current: CurrentAssociations
    let rejects: RejectsFiles
    private(set) var notes: LedgerNotes
    /// The sources whose assertions are those of a backup, by the kind of owner.
    private let old: [OwnerKind: Set<String>]
    /// The owner kinds of which this source's are: no reason to delete what a snapshot does not name.
    private var oldKinds: Set<OwnerKind> = []
    /// How many of them the exports do not name, so that they are the source's no longer.
    private var letGo = 0
    /// Whether the exports leave open what is to become of some of them.
    private var leavesOldOpen = false

    private(set) var plan: DraftedPlan
    private var first: FirstReading
    /// Where the exports end, if they are sorted and that is in doubt.
    private var ends: ExportEnds?
    /// What the source asserted before, of the kinds that the exports speak for.
    private(set) var assertedBefore = 0
    /// Those among them that existed before an export first named them.
    private var adoptedBefore = 0
    /// Repeated records by export.
    private(set) var duplicates: [Int] = []
    private(set) var figures = PlanFigures()
    /// What exists of the owners that the exports name: places in the listing, or else rows of the ledger; nil if the
    /// scope does not ask for it.
    private var ofNamedOwners: NamedRows.Rows?
    /// Whether the carts of a delta's deletes are in doubt.
    private var deltaDoubts: NamesInDoubt.Answers?
    private let run: String

    init(
        _ options: RunOptions, _ exports: RunExports, _ first: FirstReading, _ current: CurrentAssociations,
        _ ledger: Ledger,
        run: String, rejects: RejectsFiles
    ) throws {
        self.options = options
        self.exports = exports
        self.ledger = ledger
        self.first = first
        key = first.key
        self.current = current
        self.rejects = rejects
        self.run = run
        plan = DraftedPlan(options, ledger, isComplete: current.isComplete, run: run)
        notes = LedgerNotes(ledger, source: options.source, run: run)
        old = try ledger.oldAssertions()
    }

    /// Joins both sides, reads the exports again for what differs, and judges what they do not want.
    ///
    /// - Parameters:
    ///   - owners: the owners that the exports name, if the scope asks for them.
    ///   - scan: the ledger as it was read already, if that says what exists.
    mutating func compare(
        _ diff: inout AssociationDiff, owners: consuming NamedRows?, scan: LedgerReading<KnownAssociations>?
    ) throws {
        let known = try findKnown(scan, addingListedTo: &diff)
        if let owners { ofNamedOwners = try findRows(of: owners) }
        let difference = try diff.join(
            with: known.taken(), of: kinds, listingExtra: current.source == .api)
        plan.counts.kept = difference.keptCount
        duplicates = zip(exports.starts, exports.starts.dropFirst()).map { start, end in
            (start..<end).count { difference.repeated.contains($0) && !difference.contradictory.contains($0) }
        }
        if !options.caseChanged && mayDelete(difference) {
            plan.casePairs = CasePairs(key, spillFolder: ledger.folder)
        }
        if exports.isDelta { deltaDoubts = try settleDoubtsOfDelta(difference) }
        let listed = unwantedListed(difference)
        let unwanted = exports.isDelta ? nil : beginUnwanted(difference, listed: Set(listed.map(\.fingerprint)))
        defer { unwanted?.stop() }
        if needsSecondReading(difference) { try readAgain(difference) }
        if !exports.isDelta { try judgeUnwanted(difference, listed, unwanted?.take()) }
        if let all = plan.withEnds {
            let isRefused = try isRefused(deletes: all.deletes, adopted: all.adopted)
            try plan.settleEnds(isRefused: isRefused)
        }
        let isInDoubt = plan.doubtfulDeletes > 0
        try plan.settleDoubt(allowed: options.allowedDoubtfulDeletes)
        // A person has seen what other sources may want, and said that they do not.
        if isInDoubt && plan.doubtfulDeletes == 0 {
            for kind in kinds { notes.renewed[kind, default: []].formUnion(others(kind)) }
        }
        try plan.withholdCasePairs(ends: ends) { [ledger, run] in ledger.draftPlan(for: run) }
        plan.counts.duplicates = duplicates.reduce(0, +)
        plan.counts.rejected = exports.rejected + rejects.conflicts
        figures = try countFigures()
    }

    /// Whether any delete can come of the comparison, as far as is known before the records are read again.
    private func mayDelete(_ difference: Difference) -> Bool {
        if exports.isDelta || !difference.droppedRows.isEmpty { return true }
        guard options.scope == .listed || options.scope == .all else { return false }
        return !difference.extra.isEmpty || !difference.extraRows.isEmpty
    }

    /// The owner kinds that the exports speak for.
    var kinds: Set<OwnerKind> {
        let found = exports.ownerKinds
        guard found.isEmpty else { return found }
        // An empty snapshot speaks for the kinds that its columns name.
        if let kind = options.reading.ownerKind { return [kind] }
        return exports.facts.reduce(into: []) { kinds, facts in
            if facts.shape.mapping[.customer] != nil { kinds.insert(.customer) }
            if facts.shape.mapping[.account] != nil { kinds.insert(.account) }
        }
    }

    /// Whether the run is about this cart at all.
    func speaks(for cart: CartID) -> Bool { options.shard?.contains(cart) ?? true }

    /// What the listing showed of the run's carts.
    var listed: [Association] {
        guard let shard = options.shard else { return current.listed }
        return current.listed.filter { shard.contains($0.cart) }
    }

    /// What exists and what the source asserted before.
    private mutating func findKnown(
        _ scan: LedgerReading<KnownAssociations>?, addingListedTo diff: inout AssociationDiff
    ) throws -> KnownAssociations {
        var seen = FingerprintSet()
        for association in listed {
            let fingerprint = key.fingerprint(association)
            seen.insert(fingerprint)
            // An earlier listing keeps no create of a cart away that was changed since.
            if current.isNew(association.cart) { try diff.add(fingerprint, to: .existing) }
        }
        let known = try scan?.take() ?? readKnown(seen)
        assertedBefore = known.asserted.sum(of: kinds)
        adoptedBefore = known.adopted.sum(of: kinds)
        return known
    }

    /// Reads the ledger for what it says, and notes where a complete listing shows something else.
    private func readKnown(_ seen: FingerprintSet) throws -> KnownAssociations {
        // What an earlier run's listing said is noted already.
        let isListing = current.source == .api && current.isComplete && current.earlier == nil
        var known = KnownAssociations(existsByLedger: current.source == .ledger, spillFolder: ledger.folder)
        try ledger.forEachAssociation(
            from: options.source,
            where: { row, standing in
                try known.add(standing, row: row)
                return isListing && standing.exists != seen.contains(standing.fingerprint)
            },
            visit: { _, stored in
                guard speaks(for: stored.association.cart), current.covers(stored.association.owner) else { return }
                if stored.confirmation == nil {
                    try notes.confirmed.add(stored.association, stored.fingerprint)
                } else {
                    try notes.vanished.add(stored.association, stored.fingerprint)
                }
            })
        return known
    }

    /// What exists of the owners that the exports name.
    private func findRows(of owners: consuming NamedRows) throws -> NamedRows.Rows {
        var owners = owners
        let kinds = kinds
        if current.source == .api {
            for (index, association) in listed.enumerated() where kinds.contains(association.owner.kind) {
                try owners.add(key.fingerprint(association.owner), row: index)
            }
        } else {
            var row = -1
            try ledger.forEachOwner(from: options.source) { standing in
                row += 1
                return standing.exists && kinds.contains(standing.ownerKind)
            } visit: {
                try owners.add(key.fingerprint($0, owner: $1), row: row)
            }
        }
        return try owners.find()
    }

    // MARK: What the exports want

    private func needsSecondReading(_ difference: Difference) -> Bool {
        !difference.missing.isEmpty || !difference.unasserted.isEmpty || exports.isDelta
            || !difference.contradictory.isEmpty || first.hasSharedCarts || exports.rejected > 0
    }

    /// Reads the exports again; only records of the difference are decoded.
    private mutating func readAgain(_ difference: Difference) throws {
        func differs(_ position: Int) -> Bool {
            difference.missing.contains(position) || difference.unasserted.contains(position)
                || difference.contradictory.contains(position)
        }
        // A delta and a cart with two owners are judged record by record.
        let canPick = !exports.isDelta && !first.hasSharedCarts
        var reading = exports.read()
        let decoding = DecodingAhead()
        while let batch = try reading.next(picking: canPick ? differs : nil) {
            let text = batch.text.span
            let chosen = batch.records.filter { record in
                guard let statement = record.statement, statement.action == nil else { return true }
                return differs(reading.position(of: record))
                    || first.isShared(cart: text.extracting(statement.cart.range))
            }
            guard !chosen.isEmpty else { continue }
            let next = DecodingAhead.Records(
                batch: batch, chosen: chosen, positions: chosen.map { reading.position(of: $0) },
                export: reading.export)
            if let (records, decoded) = decoding.exchange(for: next) { try take(records, decoded, difference) }
        }
        if let (records, decoded) = decoding.exchange(for: nil) { try take(records, decoded, difference) }
    }

    private mutating func take(
        _ records: DecodingAhead.Records, _ decoded: [ReadRecord], _ difference: Difference
    ) throws {
        let text = records.batch.text.span
        for (index, record) in decoded.enumerated() {
            let statement = records.chosen[index].statement
            var doubt: String?
            if let statement, statement.action == .delete {
                doubt = deltaDoubts?.next(cart: text.extracting(statement.cart.range))
            }
            switch record {
            case .usable(let record):
                try take(record, at: records.positions[index], of: records.export, difference, doubt: doubt)
            case .rejected(let record):
                // A record may turn out to be unusable only when it is decoded.
                let isNew = statement != nil
                try rejects.add(record, of: records.export, isConflict: isNew)
                if isNew { try first.doubts.add(record.doubt) }
            }
        }
    }

    /// Learns which carts of a delta's deletes are in doubt, before any delete is planned.
    private func settleDoubtsOfDelta(_ difference: Difference) throws -> NamesInDoubt.Answers {
        if !difference.contradictory.isEmpty || first.hasSharedCarts {
            var reading = exports.read()
            while let batch = try reading.next() {
                let text = batch.text.span
                let chosen = batch.records.filter { record in
                    record.statement.map {
                        difference.contradictory.contains(reading.position(of: record))
                            || first.isShared(cart: text.extracting($0.cart.range))
                    } ?? false
                }
                for (judged, record) in zip(chosen, batch.decode(chosen)) {
                    let isContradictory = difference.contradictory.contains(reading.position(of: judged))
                    guard case .usable(let record) = record,
                        let reason = conflict(record.association, isContradictory)
                    else { continue }
                    try first.doubts.add(RejectedRecord(record, reason: reason).doubt)
                }
            }
        }
        return try first.doubts.answers()
    }

    /// - Parameter doubt: why the cart is in doubt, if the record is of a delta.
    private mutating func take(
        _ record: ExportRecord, at position: Int, of index: Int, _ difference: Difference, doubt: String?
    ) throws {
        let association = record.association
        let fingerprint = key.fingerprint(association)
        let isMissing = difference.missing.contains(position)
        // If it is not known whether the cart is there, the run finds out.
        let name = record.cartName ?? (exports.carts.areOther ? exports.carts.name(of: association.cart) : nil)
        let needsCart =
            isMissing && options.createsCarts && name != nil && !current.carts.contains(association.cart)
        let newCart = needsCart ? NewCart(name: name ?? "", description: record.cartDescription) : nil
        let badName =
            needsCart && newCart == nil
            ? RejectReason(
                .badCartName,
                "cart \(association.cart) is to be created, and its name or description is not 1 to "
                    + "\(NewCart.mostCharacters) characters, without control characters")
            : nil
        if let reason = conflict(association, difference.contradictory.contains(position)) ?? badName {
            let rejected = RejectedRecord(record, reason: reason)
            try rejects.add(rejected, of: index, isConflict: true)
            if !exports.isDelta { try first.doubts.add(rejected.doubt) }
            let isRepeated = difference.repeated.contains(position)
            if isRepeated && !difference.contradictory.contains(position) { duplicates[index] -= 1 }
            return
        }
        if isMissing {
            let change = Change(.create, association, place: record.place, newCart: newCart)
            try plan.add(change, fingerprint)
        }
        // What a delta names is asserted anew, so that an earlier run that was stopped does not come back to it.
        // A record that repeats another says nothing of what exists: that it is missing is told of the first.
        if difference.unasserted.contains(position)
            || record.action == .create && !difference.repeated.contains(position)
        {
            let isSeen = !isMissing && current.source == .api
            try notes.assertions.add(
                association, fingerprint, place: record.place, confirmation: isSeen ? .listed : nil)
        }
        if record.action == .delete && !difference.repeated.contains(position) {
            let isSeen = difference.unwantedExisting.contains(position)
            let doubt = doubt ?? wish(for: association)
            let isWithheld = try takeDelete(
                record, fingerprint, isSeen: isSeen, doubt: doubt ?? first.doubts.cut)
            guard isWithheld, let doubt else { return }
            // A delta does not come again: its record is kept for somebody to mend.
            try rejects.add(
                RejectedRecord(record, reason: RejectReason(.inDoubt, doubt)), of: index, isConflict: true)
        }
    }

    /// Judges what a delta says to delete; returns whether doubt withholds it.
    private mutating func takeDelete(
        _ record: ExportRecord, _ fingerprint: Fingerprint, isSeen: Bool, doubt: String?
    ) throws -> Bool {
        let association = record.association
        let stored = try ledger.association(association)
        let sources = stored?.sources ?? []
        // Without a complete and new listing it is not known to be gone, and the export names it.
        let mayExist = isSeen || current.source != .api || !current.isComplete || current.earlier != nil
        // The record names the owner itself.
        if mayExist {
            let treatment = try plan.judge(
                association, fingerprint, place: record.place, sources: sources, isOwnerNamed: true,
                isAdopted: stored?.isAdopted ?? false, doubt: doubt)
            if treatment == .withheld { return true }
        }
        let isAssertedElsewhere = sources.contains { $0 != options.source }
        if sources.contains(options.source) && (isAssertedElsewhere || !mayExist) {
            try notes.retractions.add(association, fingerprint)
        }
        return false
    }

    private func conflict(_ association: Association, _ isContradictory: Bool) -> RejectReason? {
        if isContradictory { return .createAndDelete(association) }
        guard first.isShared(association.cart) else { return nil }
        return RejectReason(
            .conflict, "cart \(association.cart) has two owners in the export, and may have only one")
    }

    // MARK: What the exports do not want

    /// An association that the store's listing shows.
    private struct Listed {
        let fingerprint: Fingerprint
        /// Its place in the listing.
        let index: Int
        let association: Association
    }

    /// What the listing shows and the exports do not want, in order: no more than a listing can show.
    private func unwantedListed(_ difference: Difference) -> [Listed] {
        let kinds = kinds
        var seen = FingerprintSet()
        return listed.enumerated().compactMap { index, association in
            guard kinds.contains(association.owner.kind) else { return nil }
            let fingerprint = key.fingerprint(association)
            guard difference.extra.contains(fingerprint), seen.insert(fingerprint) else { return nil }
            return Listed(fingerprint: fingerprint, index: index, association: association)
        }.sorted { $0.association < $1.association }
    }

    /// Begins to read the ledger's rows that the snapshot does not want; nil without such rows.
    private func beginUnwanted(
        _ difference: Difference, listed: Set<Fingerprint>
    ) -> LedgerReading<UnwantedRows>? {
        guard !listed.isEmpty || !difference.extraRows.isEmpty || !difference.droppedRows.isEmpty else { return nil }
        let judgesAll = options.scope == .listed || options.scope == .all || options.listsUnmanaged
        return LedgerReading { [ledger, source = options.source] goesOn in
            try UnwantedRows(
                of: difference, in: ledger, source: source, listed: listed, judgesAll: judgesAll, goesOn: goesOn)
        }
    }

    /// Judges every association that exists, or that the source asserted, and that the snapshot does not want.
    private mutating func judgeUnwanted(
        _ difference: Difference, _ listed: [Listed], _ rows: consuming UnwantedRows?
    ) throws {
        // A run that deletes nothing adds to what its source asserts, and lets go of nothing.
        if options.scope != .none { oldKinds = kinds.filter { old[$0]?.contains(options.source) == true } }
        let doubts = first.doubts
        doubts.judgeShare(of: exports.facts.reduce(0) { $0 + $1.textBytes })
        var answers: NamesInDoubt.Answers?
        let asksForNames = doubts.everything == nil && doubts.hasNames
        var ends = doubts.everything == nil && !difference.droppedRows.isEmpty ? try openEnds() : nil
        if asksForNames || ends != nil {
            try rows?.forEach { row in
                if asksForNames { try doubts.ask(row.association) }
                if row.sources.contains(options.source) && speaks(for: row.association.cart) {
                    ends?.count(row.association)
                }
            }
        }
        if asksForNames {
            for shown in listed { try doubts.ask(shown.association) }
            answers = try doubts.answers()
        }
        ends?.settle(assertedBefore: assertedBefore)
        self.ends = ends
        var known: [Fingerprint: PickedAssociation] = [:]
        let ids = Set(listed.map(\.fingerprint))
        try rows?.forEach { row in
            if current.source == .api { known[row.fingerprint] = row }
            let doubt = doubts.everything ?? answers?.next(row.association)
            // Without a listing the ledger says what exists, even if nothing was compared with it.
            let exists = current.source == .api ? ids.contains(row.fingerprint) : row.confirmation != nil
            try judgeRow(row, exists: exists, doubt: doubt, end: ends?.reason(row.association))
        }
        let passedOver = rows?.passedOver ?? (asserted: 0, unasserted: 0)
        plan.counts.protected += options.scope == .none ? 0 : passedOver.asserted
        plan.counts.unmanaged += passedOver.unasserted + (options.scope == .none ? passedOver.asserted : 0)
        for shown in listed {
            let doubt = doubts.everything ?? answers?.next(shown.association)
            let row = known[shown.fingerprint]
            try plan.judge(
                shown.association, shown.fingerprint, place: nil, sources: row.map { owners(of: $0) } ?? [],
                isOwnerNamed: ofNamedOwners?.rows.contains(shown.index) == true, isAdopted: row?.isAdopted ?? false,
                doubt: doubt ?? wish(for: shown.association), end: ends?.reason(shown.association))
        }
        if !leavesOldOpen { for kind in oldKinds { notes.renewed[kind] = [options.source] } }
    }

    /// The other sources whose assertions since a restored backup are lost.
    private func others(_ kind: OwnerKind) -> Set<String> { (old[kind] ?? []).subtracting([options.source]) }

    /// Why another source may want an association although the ledger does not say so; nil if none may.
    private func wish(for association: Association) -> String? {
        guard let other = others(association.owner.kind).min() else { return nil }
        return "source \(other) may want it, which has not been synced since the ledger was restored from a backup"
    }

    /// The sources that give a reason to delete an association, or to keep it.
    private func owners(of stored: PickedAssociation) -> [String] {
        guard oldKinds.contains(stored.association.owner.kind) else { return stored.sources }
        return stored.sources.filter { $0 != options.source }
    }

    /// The ends of the exports that may be too early; nil if none can be, or nothing could be deleted for them.
    private func openEnds() throws -> ExportEnds? {
        guard options.scope != .none else { return nil }
        let known = try ledger.lastOrders(of: options.source, kinds: kinds)
        let ends = ExportEnds(
            first.ranges, isWhole: exports.areWhole, known: known, hidesOwners: options.hidesOwners)
        return ends.areOpen ? ends : nil
    }

    /// The orders that all records of an export are in.
    func orders(of export: Int) -> RecordOrders { first.ranges.orders(of: export) }

    private mutating func judgeRow(
        _ stored: PickedAssociation, exists: Bool, doubt: String?, end: String?
    ) throws {
        let isDropped = stored.sources.contains(options.source)
        let isOld = isDropped && oldKinds.contains(stored.association.owner.kind)
        guard speaks(for: stored.association.cart) else {
            if isOld { leavesOldOpen = true }
            return
        }
        let isAssertedElsewhere = stored.sources.count > (isDropped ? 1 : 0)
        // What is in doubt stays asserted: the record that is missing may only be broken.
        let isKnown = current.isComplete && current.covers(stored.association.owner)
        let holdsNoLonger = isAssertedElsewhere || isOld || (!exists && isKnown)
        if isDropped && holdsNoLonger && doubt == nil && end == nil {
            try notes.retractions.add(stored.association, stored.fingerprint)
            if isOld { letGo += 1 }
        } else if isOld {
            leavesOldOpen = true
        }
        guard exists && current.source != .api else { return }
        try checkRow(stored)
        try plan.judge(
            stored.association, stored.fingerprint, place: nil, sources: owners(of: stored),
            isOwnerNamed: ofNamedOwners?.rows.contains(stored.row) == true, isAdopted: stored.isAdopted,
            doubt: doubt ?? wish(for: stored.association), end: end)
    }

    /// A delete that rests on the ledger alone rests on a row whose fingerprint is that of its text.
    private func checkRow(_ stored: PickedAssociation) throws {
        guard key.fingerprint(stored.association) != stored.fingerprint else { return }
        throw LedgerError(
            .damaged, path: ledger.folder, problem: "the ledger's row of \(stored.association) is damaged",
            advice: LedgerError.rebuildAdvice(ledger.folder))
    }

    /// Why no delete at all is made; nil if some may be.
    var reasonForNoDeletes: String? {
        guard current.isComplete else { return "the store's listing is not complete" }
        return exports.isDelta ? first.doubts.cut : first.doubts.everything
    }

    /// What a person should know of the doubt before the plan is applied.
    var warnings: [String] {
        var warnings = first.doubts.swallowing.map { part in
            "\(exports.files[part.export].name):\(part.line): \(part.reason.sentence); close its quote if they are records"
        }
        if let warning = ends?.warning { warnings.append(warning) }
        if letGo > 0 {
            warnings.append(
                "\(Count.text(letGo, "association")) of the restored backup that the source \(options.source) does not name: no "
                    + "longer its own and no deletes, since nobody knows what became of them after the backup")
        }
        let more = first.doubts.swallowingCount - first.doubts.swallowing.count
        if more > 0 { warnings.append("\(Count.text(more)) more records like that") }
        if let allowed = options.allowedDoubtfulDeletes, plan.allowableDeletes > allowed {
            warnings.append(
                "\(Count.text(plan.allowableDeletes, "delete")) withheld in doubt, more than the "
                    + "\(Count.text(allowed)) that were allowed")
        }
        return warnings
    }

    // MARK: Figures

    private mutating func countFigures() throws -> PlanFigures {
        try plan.countLosses()
        return try figures(of: plan.counts.deletes, adopted: plan.adoptedDeletes, ownersLosing: plan.ownersLosing)
    }

    /// Whether the guard refuses a plan with so many deletes, unless a person allows them.
    private func isRefused(deletes: Int, adopted: Int) throws -> Bool {
        var planGuard = options.planGuard
        planGuard.approvedDeletes = nil
        let refusals = planGuard.judge(try figures(of: deletes, adopted: adopted, ownersLosing: 0))
        return refusals.contains { [.deletes, .adopted, .volume].contains($0.rule) }
    }

    /// What the guard sees of a plan with so many deletes.
    private func figures(of deletes: Int, adopted: Int, ownersLosing: Int) throws -> PlanFigures {
        var figures = try countScope(ownersLosing: ownersLosing)
        figures.records = exports.records
        figures.rejected = exports.rejected + rejects.conflicts
        figures.usable = figures.records - figures.rejected
        figures.isSnapshot = !exports.isDelta
        figures.deletes = deletes
        if adoptedBefore > 0 { figures.adopted = .init(deletes: adopted, inScope: adoptedBefore) }
        figures.ownersLosing = ownersLosing
        // A short export costs nothing if nothing is deleted, and imports by hand are of any length.
        figures.earlierVolumes = options.scope == .none ? [] : try ledger.appliedVolumes(of: options.source)
        return figures
    }

    /// Counts the associations, and their owners, that the scope could delete.
    private func countScope(ownersLosing: Int) throws -> PlanFigures {
        var figures = PlanFigures()
        // Owners only matter if enough of them would lose a cart and no one has allowed it.
        let needsOwners =
            ownersLosing >= options.planGuard.minOwners && options.planGuard.approvedDeletes == nil
        let kinds = kinds
        let scope = options.scope
        // Distinct owners are counted like everything that may not fit: as fingerprints that spill.
        var owners = AssociationDiff(memoryBudget: RunOptions.fingerprintBudget, spillFolder: ledger.folder)
        switch scope {
        case .none: break
        case .owned:
            figures.inScope = assertedBefore
            guard needsOwners else { break }
            try ledger.forEachOwner(from: options.source) {
                $0.isAsserted && kinds.contains($0.ownerKind)
            } visit: {
                try owners.add(key.fingerprint($0, owner: $1), to: .existing)
            }
        case .listed:
            figures.inScope = ofNamedOwners?.rows.count ?? 0
            figures.ownersInScope = ofNamedOwners?.names ?? 0
            return figures
        case .all:
            func count(_ kind: OwnerKind, _ owner: Fingerprint) throws {
                guard kinds.contains(kind) else { return }
                figures.inScope += 1
                if needsOwners { try owners.add(owner, to: .existing) }
            }
            if current.source == .api {
                for association in listed {
                    try count(association.owner.kind, key.fingerprint(association.owner))
                }
            } else {
                try ledger.forEachOwner(from: options.source, where: \.exists) {
                    try count($0, key.fingerprint($0, owner: $1))
                }
            }
        }
        figures.ownersInScope = try owners.join(listingExtra: false).existingCount
        return figures
    }
}
