/// Which associations outside the export a run may delete.
package enum DeletionScope: String, Sendable, Hashable, CaseIterable, Codable {
    case none
    /// Only what an earlier export of the same source asserted.
    case owned
    /// Any association of an owner that appears in the export.
    case listed
    case all
}

/// Where a run learns which associations exist.
package enum CurrentSource: String, Sendable, Hashable, CaseIterable, Codable {
    /// The store's own listing of carts.
    case api
    case ledger
    /// Nothing is asked; everything wanted is asserted again.
    case none
    /// The listing where it is provably complete, else the ledger.
    case auto
}
