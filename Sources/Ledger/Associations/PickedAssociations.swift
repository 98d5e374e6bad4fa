package import CartAssociations

extension Ledger {
    /// An empty list for associations of this ledger.
    package func pickedAssociations() -> PickedAssociations { PickedAssociations(folder: folder) }
}

/// What a comparison goes back to of one association of the ledger.
package struct PickedAssociation: Sendable, Hashable {
    /// Its number in the order of carts, from 0.
    package let row: Int
    package let association: Association
    package let fingerprint: Fingerprint
    /// See `StoredAssociation`.
    package let sources: [String]
    package let confirmation: Ledger.Confirmation?

    package init(row: Int, _ stored: StoredAssociation) {
        self.init(
            row: row, association: stored.association, fingerprint: stored.fingerprint, sources: stored.sources,
            confirmation: stored.confirmation)
    }

    fileprivate init(
        row: Int, association: Association, fingerprint: Fingerprint, sources: [String],
        confirmation: Ledger.Confirmation?
    ) {
        self.row = row
        self.association = association
        self.fingerprint = fingerprint
        self.sources = sources
        self.confirmation = confirmation
    }

    /// Whether it existed before an export first named it: no create of ours made it.
    package var isAdopted: Bool { confirmation != nil && confirmation != .created }
}

/// Associations of a ledger in the order in which they are added: any number, in about 5 MB of memory.
///
/// It does not touch the ledger, so that it may be filled and read while the ledger is being read.
package struct PickedAssociations: ~Copyable, Sendable {
    private var list: RecordList
    private var record = ByteRecord()
    /// The different sets of sources, which many associations share, and the number of each.
    private var sources: [[String]] = []
    private var numbers: [[String]: Int] = [:]

    fileprivate init(folder: String) { list = RecordList(memoryBudget: 4 << 20, folder: folder) }

    /// Adds one; throws if the temporary file cannot be written.
    package mutating func add(_ picked: PickedAssociation) throws(LedgerError) {
        record.removeAll()
        record.append(small: UInt64(picked.row))
        record.append(UInt8(StoredCodes.code(picked.association.owner.kind)))
        record.append(picked.association.owner.id.text)
        record.append(picked.association.cart.text)
        record.append(picked.fingerprint)
        record.append(small: UInt64(number(of: picked.sources)))
        record.append(UInt8(picked.confirmation?.rawValue ?? 0))
        try list.add(record)
    }

    private mutating func number(of set: [String]) -> Int {
        if let number = numbers[set] { return number }
        sources.append(set)
        numbers[set] = sources.count - 1
        return sources.count - 1
    }

    /// Visits all of them, each time in the same order.
    ///
    /// Throws if the temporary file cannot be read, and whatever the visitor throws.
    package mutating func forEach(_ visit: (PickedAssociation) throws -> Void) throws {
        var records = try list.records()
        let sources = sources
        while try records.takeNext({ record in
            var fields = ByteRecord.Reader(record)
            let row = Int(fields.small())
            let kind = StoredCodes.ownerKind(Int(fields.byte()))
            let owner = try fields.ownerID()
            let association = Association(kind, owner, try fields.cartID())
            let fingerprint = fields.fingerprint()
            let set = sources[Int(fields.small())]
            let confirmation = Ledger.Confirmation(rawValue: Int(fields.byte()))
            try visit(
                PickedAssociation(
                    row: row, association: association, fingerprint: fingerprint, sources: set,
                    confirmation: confirmation))
        }) {}
    }
}
