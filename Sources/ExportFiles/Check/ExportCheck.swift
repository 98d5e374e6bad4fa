package import CartAssociations

/// What one reading of an export shows to a person, without any network.
package struct ExportCheck: Sendable {
    /// A count that is exact for small exports and an estimate for large ones.
    package struct Count: Sendable, Equatable {
        /// The count itself, or its estimate.
        package let value: Int
        /// Whether the count was made from a sample, with a standard error of about 0.3 % for owners and carts.
        package let isEstimate: Bool

        package init(value: Int, isEstimate: Bool) {
            self.value = value
            self.isEstimate = isEstimate
        }
    }

    /// What the reading found.
    package let facts: ExportFacts
    /// The first usable records, as they were understood.
    package let firstRecords: [ExportRecord]
    /// Usable records that repeat an earlier one: the same owner, cart and action.
    package let duplicates: Count
    /// Different owners of usable records.
    package let owners: Count
    /// Different carts of usable records.
    package let carts: Count
    /// Carts that records give to more than one owner; what a delta deletes gives nothing.
    package let sharedCarts: Count
}

extension ExportReader {
    /// Told of one usable record; the spans are those of `Selection`.
    package typealias Note = (
        _ kind: OwnerKind, _ action: ChangeKind?, _ owner: Span<UInt8>, _ cart: Span<UInt8>
    ) throws -> Void

    /// Reads an export once, counting; usable and rejected records are told as they come.
    ///
    /// Counts are exact up to 190,000 of each kind. Throws `ExportError` as `read` does, and what the closures throw.
    ///
    /// - Parameter showing: how many of the first usable records are kept as values.
    package func check(
        _ file: ExportFile, index: Int = 0, showing: Int = 5, usable: Note = { _, _, _, _ in },
        rejected: (RejectedRecord) throws -> Void = { _ in }
    ) throws -> ExportCheck {
        let hash = KeyHash()
        var owners = SampledTable()
        var carts = SampledTable()
        var associations = SampledTable()
        var first: [ExportRecord] = []
        var asked = 0
        let facts = try read(file, index: index) { kind, action, owner, cart in
            let ownerHash = hash.hash(owner, kind == .customer ? 1 : 2)
            let cartHash = hash.hash(cart)
            owners.insert(ownerHash)
            let isDelete = action == .delete
            carts.insert(cartHash, value: isDelete ? 0 : UInt32(truncatingIfNeeded: ownerHash &>> 16))
            associations.insert(hash.hash(cart, isDelete ? ~ownerHash : ownerHash))
            try usable(kind, action, owner, cart)
            asked += 1
            return asked <= showing
        } visit: { record in
            switch record {
            case .usable(let record): first.append(record)
            case .rejected(let record): try rejected(record)
            }
        }
        owners.settle()
        carts.settle()
        associations.settle()
        return ExportCheck(
            facts: facts, firstRecords: first, duplicates: associations.scaled(associations.repeats),
            owners: owners.scaled(owners.kept), carts: carts.scaled(carts.kept), sharedCarts: carts.scaled(carts.shared)
        )
    }
}
