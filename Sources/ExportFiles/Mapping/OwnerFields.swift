import CartAssociations

/// Which fields of an export name the owner: by the store's id, or by a key.
struct OwnerFields: Sendable, Equatable {
    /// Which fields are ids.
    enum Ids: Sendable, Equatable {
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

        var kinds: [OwnerKind] {
            switch self {
            case .one(_, let kind): [kind]
            case .either: OwnerKind.allCases
            case .typed(let only): only.map { [$0] } ?? OwnerKind.allCases
            }
        }
    }

    /// The fields of ids; nil if no record has one.
    let ids: Ids?
    /// What stands in them.
    let holds: OwnerKeyKind
    /// Fields of keys, of which each record fills one, or the id.
    let keys: [ExportField]
    /// Whether ids are looked up as keys are.
    let verifiesIDs: Bool
    /// Whether records say what keys stand for, and nothing of carts.
    let isCrosswalk: Bool

    /// Chooses among the fields that an export has; nil if none of them names an owner.
    ///
    /// Ids come before keys, unless the options say that keys are meant: by their kind, or by naming the column.
    init?(fields: Set<ExportField>, _ options: ReadingOptions) {
        let kind = options.ownerKind
        let found = Ids(fields: fields, kind: kind)
        let keys = ExportField.ownerKeys.filter { field in
            fields.contains(field) && (kind == nil || field.key?.owner == kind)
        }
        isCrosswalk = options.isCrosswalk
        verifiesIDs = options.verifiesOwners == true && !isCrosswalk
        let named = keys.filter { options.fieldNames[$0] != nil }
        if options.isCrosswalk {
            let hasCarts = fields.contains(.cart) && fields.contains(.legacyCart)
            let hasOwners = found != nil && !keys.isEmpty
            guard hasOwners || hasCarts else { return nil }
            (ids, holds, self.keys) = hasOwners ? (found, .id, keys) : (nil, .id, [])
        } else if options.ownerKey != .id {
            let meant = keys.filter { $0.key?.key == options.ownerKey || named.contains($0) }
            guard meant.isEmpty else {
                let isNamed = found?.fields.contains { options.fieldNames[$0] != nil } ?? false
                (ids, holds, self.keys) = (isNamed ? found : nil, .id, meant)
                return
            }
            // The owner's own column has keys.
            guard let found, found.kinds.contains(options.ownerKey.ownerKind ?? found.kinds[0]) else { return nil }
            (ids, holds, self.keys) = (found, options.ownerKey, [])
        } else if found == nil {
            guard !keys.isEmpty else { return nil }
            (ids, holds, self.keys) = (nil, .id, keys)
        } else {
            (ids, holds, self.keys) = (found, .id, named)
        }
    }

    var fields: [ExportField] { (ids?.fields ?? []) + keys }

    /// The kinds of keys that records can have.
    var keyFields: Set<OwnerKeyField> {
        var fields = Set(keys.compactMap(\.key))
        if holds != .id || verifiesIDs, let ids {
            let kinds = holds.ownerKind.map { [$0] } ?? ids.kinds
            fields.formUnion(kinds.map { OwnerKeyField(holds, of: $0) })
        }
        return fields
    }
}

extension ExportField {
    /// The fields that are an owner's key.
    static let ownerKeys: [ExportField] = [
        .customerEmail, .customerRef, .accountRef, .accountRegistrationID, .memberEmail,
    ]
    /// The fields that name an owner, in whatever way.
    static let owners: [ExportField] = [.customer, .account, .owner] + ownerKeys

    /// What kind of key it is; nil if it is none.
    var key: OwnerKeyField? {
        switch self {
        case .customerEmail: OwnerKeyField(.email, of: .customer)
        case .customerRef: OwnerKeyField(.externalRef, of: .customer)
        case .accountRef: OwnerKeyField(.externalRef, of: .account)
        case .accountRegistrationID: OwnerKeyField(.registrationID, of: .account)
        case .memberEmail: OwnerKeyField(.memberEmail, of: .account)
        default: nil
        }
    }
}
