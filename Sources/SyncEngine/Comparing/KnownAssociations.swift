import AssociationDiff
import CartAssociations
import Ledger

/// What the ledger says of all associations, as one comparison needs it.
struct KnownAssociations: ~Copyable, Sendable {
    /// Numbers of associations by the kind of owner.
    struct Counts {
        private var customers = 0
        private var accounts = 0

        fileprivate mutating func add(_ kind: OwnerKind) {
            if kind == .customer { customers += 1 } else { accounts += 1 }
        }

        func sum(of kinds: Set<OwnerKind>) -> Int {
            (kinds.contains(.customer) ? customers : 0) + (kinds.contains(.account) ? accounts : 0)
        }
    }

    private var rows: KnownRows
    /// What the source asserts.
    private(set) var asserted = Counts()
    /// Those among them that existed before an export first named them.
    private(set) var adopted = Counts()
    private let existsByLedger: Bool

    /// - Parameter existsByLedger: whether what exists is what the ledger says.
    init(existsByLedger: Bool, spillFolder: String) {
        rows = KnownRows(memoryBudget: RunOptions.fingerprintBudget, spillFolder: spillFolder)
        self.existsByLedger = existsByLedger
    }

    /// Adds what the ledger's row of this number says.
    ///
    /// Throws if a temporary file cannot be written.
    mutating func add(_ standing: Standing, row: Int) throws {
        let kind = standing.ownerKind
        let exists = existsByLedger && standing.exists
        if standing.isAsserted {
            asserted.add(kind)
            if standing.isAdopted { adopted.add(kind) }
            try rows.add(standing.fingerprint, row: row, of: kind, to: exists ? Self.both : .asserted)
        } else if exists {
            try rows.add(standing.fingerprint, row: row, of: kind, to: .existing)
        }
    }

    private static let both: AssociationDiff.Sides = [.existing, .asserted]

    /// Hands the rows over to be joined.
    consuming func taken() -> KnownRows { rows }
}

extension LedgerReading where Found == KnownAssociations {
    /// Reads all associations, as seen from a source, for a comparison in which the ledger says what exists.
    convenience init(all ledger: Ledger, source: String) {
        self.init { goesOn in
            var known = KnownAssociations(existsByLedger: true, spillFolder: ledger.folder)
            try ledger.forEachStanding(from: source) { row, standing in
                try goesOn()
                try known.add(standing, row: row)
            }
            return known
        }
    }
}
