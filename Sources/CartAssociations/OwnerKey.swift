/// What an export has in the place of an owner's id.
package enum OwnerKeyKind: String, Sendable, Hashable, CaseIterable, Codable {
    /// The store's own id.
    case id
    /// A customer's e-mail.
    case email
    /// The external reference of a customer or an account.
    case externalRef = "external-ref"
    /// An account's registration id.
    case registrationID = "registration-id"
    /// The e-mail of a member of an account.
    case memberEmail = "member-email"

    /// The kind of every owner that is found by it; nil if it may be either.
    package var ownerKind: OwnerKind? {
        switch self {
        case .id, .externalRef: nil
        case .email: .customer
        case .registrationID, .memberEmail: .account
        }
    }

    /// Whether letters may differ in their case where the store takes two keys for one.
    package var isEmail: Bool { self == .email || self == .memberEmail }
}

/// What owners are found by: the kind of key, and the kind of owner.
package struct OwnerKeyField: Sendable, Hashable {
    package let key: OwnerKeyKind
    package let owner: OwnerKind

    package init(_ key: OwnerKeyKind, of owner: OwnerKind) {
        self.key = key
        self.owner = owner
    }

    /// A small number that is another one for each field, and never changes: ledgers keep it.
    package var code: Int {
        let kind: Int =
            switch key {
            case .id: 0
            case .email: 1
            case .externalRef: 2
            case .registrationID: 3
            case .memberEmail: 4
            }
        return kind * 2 + (owner == .customer ? 0 : 1)
    }
}

extension FingerprintKey {
    /// The fingerprint of an owner's key, to look it up without keeping the key; it never equals that of anything else.
    ///
    /// It has 96 bits, the others are 0: a million keys among a million others meet by chance once in 10^17 runs, and
    /// memory for a key is a quarter less.
    package func fingerprint(_ field: OwnerKeyField, key text: Span<UInt8>) -> Fingerprint {
        let whole = fingerprint(tag: 5, field.code, text)
        return Fingerprint(high: whole.high, low: whole.low & ~0xFFFF_FFFF)
    }
}
