/// The values of one record's fields, as ranges of the memory they were put into.
struct XMLValues {
    var fields = RecordFields()
    var cartName = ByteRange()
    var cartDescription = ByteRange()
    var customerToken = ByteRange()
    var accountToken = ByteRange()
    var customerEmail = ByteRange()
    var customerRef = ByteRange()
    var accountRef = ByteRange()
    var accountRegistrationID = ByteRange()
    var memberEmail = ByteRange()

    /// What decides what the record says, with the owner's key.
    func fields(with keys: [ExportField]) -> RecordFields {
        var fields = fields
        for field in keys {
            if let key = field.key { fields.add(self[field], key) }
        }
        return fields
    }

    subscript(field: ExportField) -> ByteRange {
        get {
            switch field {
            case .cart: fields.cart
            case .customer: fields.customer
            case .account: fields.account
            case .owner: fields.owner
            case .ownerType: fields.ownerType
            case .action: fields.action
            case .cartName: cartName
            case .cartDescription: cartDescription
            case .customerToken: customerToken
            case .accountToken: accountToken
            case .customerEmail: customerEmail
            case .customerRef: customerRef
            case .accountRef: accountRef
            case .accountRegistrationID: accountRegistrationID
            case .memberEmail: memberEmail
            case .legacyCart: fields.legacyCart
            }
        }
        set {
            switch field {
            case .cart: fields.cart = newValue
            case .customer: fields.customer = newValue
            case .account: fields.account = newValue
            case .owner: fields.owner = newValue
            case .ownerType: fields.ownerType = newValue
            case .action: fields.action = newValue
            case .cartName: cartName = newValue
            case .cartDescription: cartDescription = newValue
            case .customerToken: customerToken = newValue
            case .accountToken: accountToken = newValue
            case .customerEmail: customerEmail = newValue
            case .customerRef: customerRef = newValue
            case .accountRef: accountRef = newValue
            case .accountRegistrationID: accountRegistrationID = newValue
            case .memberEmail: memberEmail = newValue
            case .legacyCart: fields.legacyCart = newValue
            }
        }
    }
}

/// White space as XML has it.
enum XMLSpace {
    static func contains(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D
    }

    /// The range without white space at its ends: indented text means the text.
    static func trimmed(_ range: Range<Int>, in bytes: Span<UInt8>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end && contains(bytes[end &- 1]) { end &-= 1 }
        while start < end && contains(bytes[start]) { start &+= 1 }
        return start..<end
    }
}
