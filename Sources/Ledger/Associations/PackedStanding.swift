import CartAssociations

/// What one integer of an association's row says: its owner kind in the lowest bit, how it is known to exist in the
/// four above, and the set of sources that assert it in the rest.
///
/// A scan of millions of rows spends its time on columns; this is one instead of three. The numbers never change:
/// ledgers hold them.
struct PackedStanding: Hashable {
    let code: Int64

    /// The bits that say how an association is known to exist.
    static let confirmationBits: Int64 = 0b11110

    init(code: Int64) { self.code = code }

    init(_ ownerKind: OwnerKind, _ confirmation: Ledger.Confirmation?, sources: Int64) {
        code = sources << 5 | Self.bits(of: confirmation) | Int64(StoredCodes.code(ownerKind))
    }

    static func bits(of confirmation: Ledger.Confirmation?) -> Int64 { Int64(confirmation?.rawValue ?? 0) << 1 }

    var ownerKind: OwnerKind { StoredCodes.ownerKind(Int(code & 1)) }

    /// Nil if it is not known to exist.
    var confirmation: Ledger.Confirmation? { Ledger.Confirmation(rawValue: Int(code & Self.confirmationBits) >> 1) }

    var sources: Int64 { code >> 5 }
}
