import CartAssociations
import GRDB

extension ByteRecord {
    mutating func append(_ fingerprint: Fingerprint) {
        append(fingerprint.high)
        append(fingerprint.low)
    }

    /// A place is a byte that says whether there is one, and its three numbers.
    mutating func append(_ place: RecordPlace?) {
        guard let place else { return append(UInt8(0)) }
        append(UInt8(1))
        append(UInt64(place.export))
        append(UInt64(place.record))
        append(UInt64(place.line))
    }

    /// A new cart is a byte that says what there is of it, and its texts.
    mutating func append(_ cart: NewCart?) {
        guard let cart else { return append(UInt8(0)) }
        append(UInt8(cart.description == nil ? 1 : 2))
        append(cart.name)
        if let description = cart.description { append(description) }
    }
}

extension ByteRecord.Reader {
    mutating func newCart() -> NewCart? {
        let parts = byte()
        guard parts > 0 else { return nil }
        let name = String(decoding: text(), as: UTF8.self)
        return NewCart(name: name, description: parts > 1 ? String(decoding: text(), as: UTF8.self) : nil)
    }

    /// Binds a fingerprint, which has the same bytes in the tables.
    mutating func bindFingerprint(to statement: PreparedStatement, at parameter: Int32) {
        statement.bind(blob: bytes(16), at: parameter)
    }

    mutating func fingerprint() -> Fingerprint {
        let high = number()
        return Fingerprint(high: high, low: number())
    }

    mutating func place() -> RecordPlace? {
        guard byte() == 1 else { return nil }
        let export = Int(number())
        let record = Int(number())
        return RecordPlace(export: export, record: record, line: Int(number()))
    }

    /// Throws where the bytes are no usable id, which only a damaged temporary file explains.
    mutating func cartID() throws -> CartID {
        guard let cart = CartID(String(decoding: text(), as: UTF8.self)) else { throw Self.damaged }
        return cart
    }

    /// Throws as `cartID` does.
    mutating func ownerID() throws -> OwnerID {
        guard let owner = OwnerID(String(decoding: text(), as: UTF8.self)) else { throw Self.damaged }
        return owner
    }

    private static var damaged: DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a temporary file does not hold what was written to it")
    }

    /// Binds a place to parameters that follow each other.
    mutating func bindPlace(to statement: PreparedStatement, from parameter: Int32) {
        let isThere = byte() == 1
        for offset in 0..<3 as Range<Int32> {
            if isThere {
                statement.bind(bits: number(), at: parameter + offset)
            } else {
                statement.bindNull(at: parameter + offset)
            }
        }
    }
}
