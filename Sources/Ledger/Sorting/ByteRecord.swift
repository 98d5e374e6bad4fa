import CartAssociations
import GRDB

/// A record as bytes whose order, compared byte by byte, is the order of its fields: text ends with a zero byte,
/// which no id holds, and numbers are big-endian.
struct ByteRecord {
    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func append(_ text: String) {
        var text = text
        // Unsafe only because the pointer could outlive the closure.
        text.withUTF8 { unsafe bytes.append(contentsOf: $0) }
        bytes.append(0)
    }

    /// Appends text that is there as its UTF-8.
    mutating func append(text: Span<UInt8>) {
        // Unsafe only because the pointer could outlive the closure.
        unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(0)
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    /// Appends bytes as they are; they are the last field.
    mutating func append(bytes more: ArraySlice<UInt8>) { bytes += more }

    mutating func append(_ number: UInt64) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift &-= 8
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    /// Appends a number that is mostly small, in as few bytes as it needs behind their number: the order is that of numbers.
    mutating func append(small number: UInt64) {
        var count = UInt64(8 - number.leadingZeroBitCount / 8)
        bytes.append(UInt8(count))
        while count > 0 {
            count &-= 1
            bytes.append(UInt8(truncatingIfNeeded: number >> (count &* 8)))
        }
    }

    /// Reads the fields of a record in the order in which they were appended.
    ///
    /// What it binds to a statement is not copied: the record must stay where it is until the statement has been reset.
    struct Reader {
        private let record: ArraySlice<UInt8>
        /// Where the next field begins. A slice of what is left would count references with every field.
        private var next: Int

        init(_ bytes: ArraySlice<UInt8>) {
            record = bytes
            next = bytes.startIndex
        }

        /// The bytes of a text, without its end.
        mutating func text() -> ArraySlice<UInt8> { record[textRange()] }

        mutating func bindText(to statement: PreparedStatement, at parameter: Int32) {
            let range = textRange()
            statement.bind(staying: record.span.extracting(offsets(range)), at: parameter)
        }

        /// Binds a fingerprint, which has the same bytes in the tables.
        mutating func bindFingerprint(to statement: PreparedStatement, at parameter: Int32) {
            let range = next..<min(next + 16, record.endIndex)
            next = range.upperBound
            statement.bind(stayingFingerprint: record.span.extracting(offsets(range)), at: parameter)
        }

        mutating func byte() -> UInt8 {
            guard next < record.endIndex else { return 0 }
            defer { next += 1 }
            return record[next]
        }

        mutating func number() -> UInt64 { number(8) }

        /// Reads what `append(small:)` has written.
        mutating func small() -> UInt64 { number(Int(min(byte(), 8))) }

        private mutating func textRange() -> Range<Int> {
            let start = next
            var end = start
            while end < record.endIndex && record[end] != 0 { end += 1 }
            next = min(end + 1, record.endIndex)
            return start..<end
        }

        private mutating func number(_ count: Int) -> UInt64 {
            var number: UInt64 = 0
            let end = min(next + count, record.endIndex)
            while next < end {
                number = number << 8 | UInt64(record[next])
                next += 1
            }
            return number
        }

        /// Where a part of the record is, counted from its first byte.
        private func offsets(_ range: Range<Int>) -> Range<Int> {
            range.lowerBound - record.startIndex..<range.upperBound - record.startIndex
        }
    }
}

extension ByteRecord {
    mutating func append(_ fingerprint: Fingerprint) {
        append(fingerprint.high)
        append(fingerprint.low)
    }

    /// A place is a byte that says whether there is one, and its three numbers.
    mutating func append(_ place: RecordPlace?) {
        guard let place else { return append(UInt8(0)) }
        append(UInt8(1))
        append(small: UInt64(place.export))
        append(small: UInt64(place.record))
        append(small: UInt64(place.line))
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
    /// Binds the two texts of a new cart to parameters that follow each other, null if the record has none.
    mutating func bindNewCart(to statement: PreparedStatement, from parameter: Int32) {
        let parts = byte()
        for offset in 0..<2 as Range<Int32> {
            if parts > offset {
                bindText(to: statement, at: parameter + offset)
            } else {
                statement.bindNull(at: parameter + offset)
            }
        }
    }

    mutating func newCart() -> NewCart? {
        let parts = byte()
        guard parts > 0 else { return nil }
        let name = String(decoding: text(), as: UTF8.self)
        return NewCart(name: name, description: parts > 1 ? String(decoding: text(), as: UTF8.self) : nil)
    }

    mutating func fingerprint() -> Fingerprint {
        let high = number()
        return Fingerprint(high: high, low: number())
    }

    mutating func place() -> RecordPlace? {
        guard byte() == 1 else { return nil }
        let export = Int(small())
        let record = Int(small())
        return RecordPlace(export: export, record: record, line: Int(small()))
    }

    /// Throws if the bytes are not a valid id, which only a damaged temporary file explains.
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
                statement.bind(bits: small(), at: parameter + offset)
            } else {
                statement.bindNull(at: parameter + offset)
            }
        }
    }
}
