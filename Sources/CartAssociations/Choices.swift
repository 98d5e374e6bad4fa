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
    /// The listing if it is provably complete, else the ledger.
    case auto
}

/// What a run does with an association that exists and that its snapshot does not want.
package enum UnwantedTreatment: String, Sendable, Hashable, CaseIterable {
    case delete
    /// Outside the scope: left alone and counted.
    case unmanaged
    /// Another source still asserts it.
    case assertedElsewhere
    /// In scope, but the export cannot be trusted to have left it out on purpose.
    case withheld
}

extension DeletionScope {
    /// Judges one association that exists and that the snapshot does not want.
    ///
    /// `isOwned`: an earlier export of the same source asserted it. `isAssertedElsewhere`: so did another source's.
    /// `isOwnerListed`: its owner appears in the export. `isInDoubt`: a rejected record names its owner or cart, or
    /// the export may have been cut.
    package func judge(
        isOwned: Bool, isAssertedElsewhere: Bool, isOwnerListed: Bool, isInDoubt: Bool
    ) -> UnwantedTreatment {
        if self == .none { return .unmanaged }
        if isAssertedElsewhere { return .assertedElsewhere }
        let isInScope =
            switch self {
            case .none: false
            case .owned: isOwned
            case .listed: isOwned || isOwnerListed
            case .all: true
            }
        guard isInScope else { return .unmanaged }
        return isInDoubt ? .withheld : .delete
    }
}
