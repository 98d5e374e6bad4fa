package import CartAssociations

/// How an export is read, as far as it does not say so itself.
package struct ReadingOptions: Sendable, Equatable {
    /// The character between the fields of a CSV export; nil: found from the header among `,` `;` tab and `|`.
    ///
    /// One ASCII character that is no letter, digit, quote, line end or space; anything else is refused on reading.
    package var delimiter: Character?
    /// The encoding of an export without a byte order mark; nil: UTF-8, or UTF-16 that shows itself. A byte order mark
    /// always wins.
    package var encoding: TextEncoding?
    /// The kind of every owner; nil: from the columns.
    ///
    /// Chooses between a customer and an account column if an export has both, and gives the kind of an
    /// `owner_id` column without an `owner_type`.
    package var ownerKind: OwnerKind?
    /// What the owner's column holds: the store's id, or a key that it can be found by.
    package var ownerKey = OwnerKeyKind.id
    /// Whether owners' ids are looked up as keys are, so that one which the store does not know is found; nil: if it is
    /// known that the store takes such ids.
    package var verifiesOwners: Bool?
    /// How the carts are called in the store.
    package var carts = CartNames()
    /// Whether carts are looked up in a crosswalk, so that they may have any characters.
    package var looksUpCarts = false
    /// Whether it is a crosswalk: each record has a key and the id of the owner that it stands for, or what a cart was
    /// called and its id, or both.
    package var isCrosswalk = false
    /// Whether carts may have any characters.
    var takesAnyCart: Bool { carts.unsafe == .encode || looksUpCarts }
    /// Names of columns, elements or attributes that replace the usual ones of a field.
    package var fieldNames: [ExportField: String]
    /// The name of the XML element that is one record, or the last names of its path as `carts/cart`; nil: found from
    /// the document.
    package var xmlRecord: String?
    /// The name of the sheet of a workbook that is read; nil: its first that is not hidden.
    package var sheet: String?
    /// What sealed exports are opened with, and who must have signed them.
    package var keys = OpenPGPKeys()
    /// Whether the export says what to do with each record; nil: it does if it has an action. A CSV of rejected records
    /// without one holds additions.
    package var kind: ExportKind?
    /// Further words of an action column.
    package var actions: [String: ChangeKind] = [:]
    /// How the last line of a CSV is told that is no record.
    package var trailer = ExportTrailer.found
    /// Whether the last record of a CSV without a final line end may be half of one.
    package var requiresFinalNewline = true

    package init(
        delimiter: Character? = nil, encoding: TextEncoding? = nil, ownerKind: OwnerKind? = nil,
        fieldNames: [ExportField: String] = [:], xmlRecord: String? = nil, kind: ExportKind? = nil,
        actions: [String: ChangeKind] = [:], trailer: ExportTrailer = .found
    ) {
        self.delimiter = delimiter
        self.encoding = encoding
        self.ownerKind = ownerKind
        self.fieldNames = fieldNames
        self.xmlRecord = xmlRecord
        self.kind = kind
        self.actions = actions
        self.trailer = trailer
    }
}

/// What an export is about: everything that should exist, or changes only.
package enum ExportKind: String, Sendable, Hashable, CaseIterable, Codable {
    case snapshot
    /// Each record has an action.
    case delta
    /// Records without an action that are all to be created; what is not named is left alone.
    case additions
}

/// What a column, element or attribute of an export can mean.
package enum ExportField: String, Sendable, Hashable, CaseIterable, Codable {
    case cart
    case customer
    case account
    case owner
    case ownerType = "owner-type"
    case action
    case cartName = "cart-name"
    case cartDescription = "cart-description"
    case customerToken = "customer-token"
    case accountToken = "account-token"
    case customerEmail = "customer-email"
    case customerRef = "customer-ref"
    case accountRef = "account-ref"
    case accountRegistrationID = "account-registration-id"
    case memberEmail = "member-email"
    /// What a cart was called, in a crosswalk; in any other export it means nothing.
    case legacyCart = "legacy-cart"

    /// The fields that an export can have which is no crosswalk.
    package static let ofExports = allCases.filter { $0 != .legacyCart }
}
