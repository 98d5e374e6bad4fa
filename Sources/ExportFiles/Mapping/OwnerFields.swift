import CartAssociations

/// Which fields of an export name the owner.
enum OwnerFields: Sendable, Equatable {
    /// One column, whose owners are all of one kind.
    case one(ExportField, OwnerKind)
    /// A customer and an account column, of which each record fills one.
    case either
    /// `owner_id` with `owner_type`; if a kind is given, records of the other are contradictions.
    case typed(only: OwnerKind?)

    /// Chooses among the fields that an export has; nil if none of them names an owner.
    init?(fields: Set<ExportField>, kind: OwnerKind?) {
        switch (kind, fields.contains(.customer), fields.contains(.account)) {
        case (nil, true, true): self = .either
        case (nil, true, false), (.customer, true, _): self = .one(.customer, .customer)
        case (nil, false, true), (.account, _, true): self = .one(.account, .account)
        default:
            guard fields.contains(.owner) else { return nil }
            if fields.contains(.ownerType) {
                self = .typed(only: kind)
            } else if let kind {
                self = .one(.owner, kind)
            } else {
                return nil
            }
        }
    }

    var fields: [ExportField] {
        switch self {
        case .one(let field, _): [field]
        case .either: [.customer, .account]
        case .typed: [.owner, .ownerType]
        }
    }
}
