/// Finds the records and fields of CSV text in memory, strictly after RFC 4180.
///
/// It is a pure function of the bytes it is given: a record that is not all there yet is looked at again from its
/// beginning, so that the places at which the input was cut make no difference.
///
/// A quote opens a quoted field only as the field's first byte. A quote elsewhere, or text after a closing quote,
/// makes the record wrong but does not open anything: such a record ends at the next line end, and the ones after it
/// are read as they stand.
struct CSVFramer: Sendable {
    static let quote = UInt8(ascii: "\"")
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D

    let delimiter: UInt8
    /// Whether a carriage return alone ends a record, as it does in files whose header it ends.
    var endsAtCarriageReturn: Bool

    /// What is wrong with the form of a record.
    enum Fault: Sendable, Equatable {
        case bareQuote, textAfterQuote, carriageReturn, nulByte
    }

    /// One record within the bytes.
    struct Record: Sendable, Equatable {
        var start = 0
        /// Where the record ends, before its line end.
        var end = 0
        /// Where the next record begins.
        var next = 0
        var fieldCount = 0
        /// The line ends from `start` to `next`.
        var lines = 0
        var fault: Fault?
        var isASCII = true
        /// Whether any quoted field holds a quote or a line end.
        var hasEscapes = false

        /// Whether the fields can be sliced in place.
        var isPlain: Bool { isASCII && !hasEscapes && fault == nil }
    }

    enum Step: Sendable, Equatable {
        case record
        /// A line without a single byte.
        case blank
        /// The record goes on beyond the bytes given.
        case incomplete
        /// The input is over inside quotes.
        case unterminated
        /// The input is over.
        case end
    }

    /// Finds the record that begins at `start`.
    ///
    /// - Parameters:
    ///   - bytes: the input, with at least eight bytes more than `end`.
    ///   - isLast: whether the input ends at `end`.
    ///   - fieldEnds: receives the end of each field, as far as it has room.
    func next(
        in bytes: Span<UInt8>, from start: Int, to end: Int, isLast: Bool, record: inout Record,
        fieldEnds: inout MutableSpan<Int32>
    ) -> Step {
        record = Record(start: start)
        guard start < end else { return isLast ? .end : .incomplete }
        precondition(bytes.count >= end + 8)
        // Bytes have no padding that a raw view could leak.
        let raw = unsafe bytes.bytes
        let delimiters = ByteWord.repeating(delimiter)
        var scan = Scan(at: start)
        var word = start
        while word < end {
            // Eight bytes from anywhere before `end` are within the span, as the precondition says.
            var value = unsafe UInt64(
                littleEndian: raw.unsafeLoadUnaligned(fromUncheckedByteOffset: word, as: UInt64.self))
            var events = ByteWord.events(value, delimiters: delimiters)
            if word &+ 8 > end {
                value &= ByteWord.first(end &- word)
                events &= ByteWord.first(end &- word)
            }
            while events != 0 {
                let shift = events.trailingZeroBitCount &- 7
                let at = word &+ shift &>> 3
                let byte = UInt8(truncatingIfNeeded: value &>> UInt64(truncatingIfNeeded: shift))
                events &= events &- 1
                if byte == delimiter {
                    if scan.inQuotes { continue }
                    scan.endField(at: at, &fieldEnds)
                    continue
                }
                if at < scan.resumeAt { continue }
                let isOver = at &+ 1 >= end
                if isOver && !isLast { return .incomplete }
                // A line feed stands for the end of the input: nothing may follow a closing quote but these two.
                let following = isOver ? Self.lineFeed : bytes[at &+ 1]
                if scan.inQuotes {
                    quoted(byte, following, at: at, isOver: isOver, scan: &scan, record: &record)
                    continue
                }
                guard let length = unquoted(byte, following, at: at, isOver: isOver, scan: &scan, record: &record)
                else { continue }
                scan.seen |= value & ByteWord.first(at &- word)
                scan.endRecord(&record, at: at, next: at &+ length, &fieldEnds)
                return at == start ? .blank : .record
            }
            scan.seen |= value
            word &+= 8
        }
        guard isLast else { return .incomplete }
        if scan.inQuotes { return .unterminated }
        scan.endRecord(&record, at: end, next: end, &fieldEnds)
        return .record
    }

    /// What the search knows between two bytes that matter.
    private struct Scan {
        private(set) var fieldStart: Int
        private var fieldCount = 0
        var inQuotes = false
        /// Bytes before this one have been dealt with together with an earlier one.
        var resumeAt: Int
        /// All bytes of the record, or'ed in words of eight.
        var seen: UInt64 = 0

        init(at start: Int) {
            fieldStart = start
            resumeAt = start
        }

        @inline(__always)
        mutating func endField(at end: Int, _ fieldEnds: inout MutableSpan<Int32>) {
            if fieldCount < fieldEnds.count { fieldEnds[fieldCount] = Int32(truncatingIfNeeded: end) }
            fieldCount &+= 1
            fieldStart = end &+ 1
        }

        @inline(__always)
        mutating func endRecord(
            _ record: inout Record, at end: Int, next: Int, _ fieldEnds: inout MutableSpan<Int32>
        ) {
            endField(at: end, &fieldEnds)
            record.fieldCount = fieldCount
            record.isASCII = seen & ByteWord.tops == 0
            record.end = end
            record.next = next
            record.lines &+= 1
        }
    }

    /// Deals with one byte inside quotes.
    @inline(__always)
    private func quoted(
        _ byte: UInt8, _ following: UInt8, at: Int, isOver: Bool, scan: inout Scan, record: inout Record
    ) {
        switch byte {
        case Self.quote where following == Self.quote:
            record.hasEscapes = true
            scan.resumeAt = at &+ 2
        case Self.quote:
            scan.inQuotes = false
            if following != delimiter && following != Self.lineFeed && following != Self.carriageReturn
                && record.fault == nil
            {
                record.fault = .textAfterQuote
            }
        case Self.lineFeed:
            record.hasEscapes = true
            record.lines &+= 1
        case Self.carriageReturn:
            record.hasEscapes = true
            if isOver || following != Self.lineFeed { record.lines &+= 1 }
        case 0 where record.fault == nil:
            record.fault = .nulByte
        default: break
        }
    }

    /// Deals with one byte outside quotes that is no delimiter; returns the length if it begins a line end.
    @inline(__always)
    private func unquoted(
        _ byte: UInt8, _ following: UInt8, at: Int, isOver: Bool, scan: inout Scan, record: inout Record
    ) -> Int? {
        switch byte {
        case Self.lineFeed: return 1
        case Self.quote:
            if at == scan.fieldStart {
                scan.inQuotes = true
            } else if record.fault == nil {
                record.fault = .bareQuote
            }
        case Self.carriageReturn:
            if !isOver && following == Self.lineFeed { return 2 }
            if endsAtCarriageReturn { return 1 }
            if record.fault == nil { record.fault = .carriageReturn }
        case 0 where record.fault == nil:
            record.fault = .nulByte
        default: break
        }
        return nil
    }
}

/// Eight bytes looked at together.
enum ByteWord {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let tops: UInt64 = 0x8080_8080_8080_8080

    static func repeating(_ byte: UInt8) -> UInt64 { UInt64(byte) &* ones }

    /// The top bit of each byte that is the delimiter, a quote, or below 16 as the line ends are.
    @inline(__always)
    static func events(_ word: UInt64, delimiters: UInt64) -> UInt64 {
        let quotes: UInt64 = 0x2222_2222_2222_2222
        let low = word & ~tops
        // Each sum has the top bit of the bytes that are something else, and carries into no other; nor are bytes that have
        // it already any of these.
        let others = ((low ^ delimiters) &+ ~tops) & ((low ^ quotes) &+ ~tops) & (low &+ (ones &* 0x70))
        return ~(others | word) & tops
    }

    /// The bits of the first bytes of a word, in the order of memory; all of them from eight on.
    @inline(__always)
    static func first(_ count: Int) -> UInt64 {
        count >= 8 ? ~0 : (1 &<< (UInt64(truncatingIfNeeded: count) &* 8)) &- 1
    }
}
