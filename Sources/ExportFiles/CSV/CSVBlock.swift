import CartAssociations

/// The records of one block of text: framed, judged, and decoded as far as they need it to be judged.
struct CSVBlock {
    /// What was found so far, but for the kinds of owners.
    var found: ExportFacts
    /// The line on which the present record begins.
    private(set) var line: Int

    /// Whether a record that the end of the file ends is rejected, because it may be cut.
    var rejectsOpenEnd = false

    /// The line of a header that is another one than the export's; what stands behind it means something else.
    private(set) var otherHeader: Int?

    /// The trailer that was met: its number of records, its line, and how many records were before it.
    private(set) var trailerMet: (count: Int, line: Int, records: Int)?

    private let decoder: CSVDecoder
    /// The header line, which is no record when it is met again.
    private let header: [UInt8]
    private var trailer = CSVTrailer()
    /// Whether a line may be told for a trailer by what is in it.
    private let looksForTrailer: Bool
    /// For what a record is rejected again whose first cell says so; empty but in a rejects file.
    private let repeats: Set<RejectReason.Code>
    private let trailerLine: TrailerLine?
    private var kinds = OwnerKindSet()
    private var usable = 0
    private var fieldEnds: [Int32]
    /// The empty fields beyond the header's that the first record has; nil before it.
    private var surplus: Int?
    private var records: [JudgedRecord] = []
    private var rejected: [RejectedRecord] = []
    private var strays: [DoubtfulPart] = []
    /// What the header leaves in doubt, until the first batch tells it.
    private var headerDoubt: DoubtfulPart?
    /// Identifiers of usable records that do not stand in the text as they are, which belong behind it.
    private(set) var values: [UInt8] = []

    init(_ header: CSVHeader, _ facts: ExportFacts, index: Int, trailer: ExportTrailer) {
        if case .line(let line) = trailer { trailerLine = line } else { trailerLine = nil }
        // Rejected records have no form in common, and what was told for a trailer among them stays one.
        let isOfRejects = CSVColumns.areOfRejects(header.columns.names)
        looksForTrailer = trailer == .found && !isOfRejects
        repeats = isOfRejects ? trailer == .found ? [.trailer, .mayBeCut] : [.mayBeCut] : []
        self.trailer.isTracking = looksForTrailer
        found = facts
        found.blankLines = header.blankLines
        line = header.nextLine
        decoder = CSVDecoder(header, index: index)
        self.header = header.raw
        headerDoubt = decoder.doubt(of: header)
        fieldEnds = [Int32](repeating: 0, count: header.columns.count)
    }

    var endsAtCarriageReturn: Bool { decoder.framer.endsAtCarriageReturn }

    var facts: ExportFacts {
        var facts = found
        facts.ownerKinds = kinds.set
        return facts
    }

    /// Frames and judges the whole records of a block.
    ///
    /// Moves `start` behind the last whole record and says why it stopped.
    mutating func frame(
        _ bytes: Span<UInt8>, from start: inout Int, to end: Int, isLast: Bool, picking picks: ((Int) -> Bool)?
    ) -> CSVFramer.Step {
        // The last batch is gone by now, unless its reader has kept it: then this makes new memory.
        records.removeAll(keepingCapacity: true)
        rejected = []
        values = []
        strays = headerDoubt.map { [$0] } ?? []
        headerDoubt = nil
        // Calls of what is in `self` would copy or retain it, for each record.
        let (framer, cells, header) = (decoder.framer, decoder.cells, header)
        let columns = fieldEnds.count
        var record = CSVFramer.Record()
        while true {
            var room = fieldEnds.mutableSpan
            let step = framer.next(
                in: bytes, from: start, to: end, isLast: isLast, record: &record, fieldEnds: &room)
            guard step == .record || step == .blank else { return step }
            let isWide = step == .record && record.fieldCount >= columns
            let ids = isWide ? cells.identifiers(record, fieldEnds, bytes) : (owner: 0..<0, cart: 0..<0)
            if step == .blank {
                found.blankLines += 1
            } else if let count = trailerLine?.count(in: bytes.extracting(record.start..<record.end)) {
                trailerMet = (count, line, found.records)
                found.passedOver += 1
            } else if let kind = Self.kindPassedOver(record, bytes, header, cells, isFirst: found.records == 0) {
                found.passedOver += 1
                found.notes.add(kind, line: line)
            } else if let header = cells.header(ids.owner, ids.cart, bytes) {
                guard header == .same else {
                    otherHeader = line
                    return .incomplete
                }
                found.passedOver += 1
                found.notes.add(.repeatedHeader, line: line)
            } else if picks == nil, looksForTrailer,
                CSVTrailer.isTotal(bytes.extracting(ids.owner), bytes.extracting(ids.cart), records: found.records)
            {
                found.records += 1
                reject(record, decoder.cells.naming(CSVRecordCells.total, record, fieldEnds, bytes), bytes)
            } else if picks == nil, !repeats.isEmpty, let reason = decoder.cells.lasting(record, fieldEnds, bytes),
                repeats.contains(reason.code)
            {
                found.records += 1
                reject(record, decoder.cells.naming(reason, record, fieldEnds, bytes), bytes)
            } else if picks == nil, trailer.isTracking, !fits(ids.owner, ids.cart, bytes),
                mayBeLast(record, ids.owner, ids.cart, bytes, end), isUsable(record, bytes)
            {
                // Only the rest of the text shows whether it is the last line.
                guard isLast else { return .incomplete }
                found.records += 1
                reject(record, decoder.cells.naming(CSVRecordCells.trailer, record, fieldEnds, bytes), bytes)
            } else {
                found.records += 1
                take(record, bytes, cells, picks)
            }
            line += record.lines
            start = record.next
        }
    }

    /// Takes one record, in place if its fields are plain.
    @inline(__always)
    private mutating func take(
        _ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ cells: CSVRecordCells, _ picks: ((Int) -> Bool)?
    ) {
        if record.next == record.end, rejectsOpenEnd {
            reject(record, cells.naming(CSVRecordCells.mayBeCut, record, fieldEnds, bytes), bytes)
        } else if let picks, !picks(found.records) {
            // It was usable at the first reading.
            usable += 1
        } else if record.isPlain && record.fieldCount == fieldEnds.count {
            if surplus != 0 { keepWidth(0) }
            judge(record, bytes, cells)
        } else {
            takeUnusual(record, bytes, cells)
        }
    }

    /// Takes a record whose form is out of the ordinary.
    private mutating func takeUnusual(_ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ cells: CSVRecordCells) {
        if let reason = cells.fault(of: record, fieldEnds, bytes) {
            reject(record, reason, bytes)
        } else if cells.isEmpty(bytes, record.start..<record.end) {
            passOverBlank()
        } else if wasTooWide(record, bytes) || !keepWidth(max(0, record.fieldCount - fieldEnds.count)) {
            // What looks like a surplus field may be a delimiter too many, and every value one column too far.
            reject(record, cells.fieldCountFault(record), bytes)
        } else {
            if record.lines > 1, cells.swallowsRecords(record, fieldEnds, bytes) {
                strays.append(decoder.doubt(of: record, line, bytes))
            }
            if !cells.isUTF8(record, bytes) { found.notes.add(.notUTF8, line: line) }
            judge(record, bytes, cells)
        }
    }

    /// Whether a record of a rejects file was rejected for its width and has still too many fields.
    private func wasTooWide(_ record: CSVFramer.Record, _ bytes: Span<UInt8>) -> Bool {
        !repeats.isEmpty && record.fieldCount > fieldEnds.count
            && decoder.cells.wasRejectedForWidth(record, fieldEnds, bytes)
    }

    /// Whether a record has as many empty fields beyond the header's as the first one: a system that ends its lines with a
    /// delimiter does so in all of them, but for a spreadsheet, which shows by an identifier in the last column.
    @discardableResult
    private mutating func keepWidth(_ surplus: Int) -> Bool {
        if decoder.cells.endsInIdentifier { return true }
        if self.surplus == nil { self.surplus = surplus }
        guard let first = self.surplus, first != surplus else { return true }
        guard surplus == 0 else { return false }
        // The first record may be the odd one, and was used.
        self.surplus = 0
        strays.append(decoder.doubt(ofWidthOn: line))
        return true
    }

    /// What a line is that is no record: the header once more, as where files were put together, or a line under it.
    @inline(__always)
    private static func kindPassedOver(
        _ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ header: [UInt8], _ cells: CSVRecordCells, isFirst: Bool
    ) -> ExportNote.Kind? {
        if isFirst, isUnderline(record, bytes, cells) { return .underline }
        let surplus = record.end &- record.start &- header.count
        guard surplus == 0 || surplus == mark.count else { return nil }
        return isHeader(record, bytes, header, behind: surplus) ? .repeatedHeader : nil
    }

    /// Whether a first record has nothing but dashes between its delimiters.
    private static func isUnderline(
        _ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ cells: CSVRecordCells
    ) -> Bool {
        bytes[record.start] < 0x30
            && cells.isEmpty(
                bytes, record.start..<record.end, orOf: [UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "+")])
            && !cells.isEmpty(bytes, record.start..<record.end)
    }

    /// The byte order mark of UTF-8.
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static func isHeader(
        _ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ header: [UInt8], behind mark: Int
    ) -> Bool {
        (0..<mark).allSatisfy { bytes[record.start + $0] == Self.mark[$0] }
            && header.indices.allSatisfy { bytes[record.start + mark + $0] == header[$0] }
    }

    /// Whether nothing but its form is wrong with a record, as far as its text shows.
    private func isUsable(_ record: CSVFramer.Record, _ bytes: Span<UInt8>) -> Bool {
        guard record.isPlain, record.fieldCount == fieldEnds.count else {
            return decoder.cells.fault(of: record, fieldEnds, bytes) == nil
        }
        return (try? decoder.cells.statement(record, fieldEnds, bytes)) != nil
    }

    /// Whether a record's identifiers have the form of those before it.
    @inline(__always)
    private mutating func fits(_ owner: Range<Int>, _ cart: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
        guard !owner.isEmpty, !cart.isEmpty else { return true }
        return trailer.fits(owner: bytes.extracting(owner), cart: bytes.extracting(cart))
    }

    /// Whether nothing but blank lines follows a record, as far as the text is there.
    private mutating func mayBeLast(
        _ record: CSVFramer.Record, _ owner: Range<Int>, _ cart: Range<Int>, _ bytes: Span<UInt8>, _ end: Int
    ) -> Bool {
        let isLast = (record.next..<end).allSatisfy {
            XMLSpace.contains(bytes[$0]) || bytes[$0] == CSVFramer.quote || bytes[$0] == decoder.framer.delimiter
        }
        if !isLast { trailer.accept(owner: bytes.extracting(owner), cart: bytes.extracting(cart)) }
        return isLast
    }

    /// The records of the block, whose text is this.
    func batch(_ text: [UInt8]) -> RecordBatch {
        RecordBatch(text: text, records: records, rejected: rejected, strays: strays, decoder: .csv(decoder))
    }

    /// Judges a record that has its fields.
    @inline(__always)
    private mutating func judge(_ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ cells: CSVRecordCells) {
        do throws(RejectReason) {
            let statement =
                record.isPlain || !cells.hasQuotes(record, fieldEnds, bytes)
                ? try cells.statement(record, fieldEnds, bytes) : try judgeUnescaped(record, bytes, cells)
            if statement.isTidied { found.notes.add(.tidied, line: line) }
            kinds.insert(statement.kind)
            records.append(
                JudgedRecord(
                    statement: statement, number: found.records, line: line, ordinal: usable,
                    range: ByteRange(record.start..<record.end), origin: .text))
            usable += 1
        } catch {
            reject(record, error, bytes)
        }
    }

    /// Judges a record whose identifiers hold quotes; they are put behind the text if it is usable.
    private mutating func judgeUnescaped(
        _ record: CSVFramer.Record, _ bytes: Span<UInt8>, _ cells: CSVRecordCells
    ) throws(RejectReason) -> Statement {
        var own: [UInt8] = []
        let statement = try cells.statement(record, fieldEnds, bytes, unescapedInto: &own)
        defer { values += own }
        return statement.moved(by: bytes.count + values.count)
    }

    private mutating func passOverBlank() {
        found.records -= 1
        found.blankLines += 1
        found.passedOver += 1
    }

    private mutating func reject(_ record: CSVFramer.Record, _ reason: RejectReason, _ bytes: Span<UInt8>) {
        if decoder.cells.isEmpty(bytes, record.start..<record.end) {
            return passOverBlank()
        }
        if reason.code == .encoding { found.notes.add(.notUTF8, line: line) }
        records.append(
            JudgedRecord(
                statement: nil, number: found.records, line: line, ordinal: usable,
                range: ByteRange(record.start..<record.end),
                origin: .rejected(Int32(truncatingIfNeeded: rejected.count))))
        found.rejected[reason.code, default: 0] += 1
        rejected.append(
            decoder.cells.rejected(record, decoder.place(found.records, line), reason, fieldEnds, bytes))
    }
}

/// The kinds of owners seen, cheap enough to ask for every record.
struct OwnerKindSet {
    private var hasCustomers = false
    private var hasAccounts = false

    mutating func insert(_ kind: OwnerKind) {
        switch kind {
        case .customer: hasCustomers = true
        case .account: hasAccounts = true
        }
    }

    var set: Set<OwnerKind> {
        Set((hasCustomers ? [.customer] : []) + (hasAccounts ? [.account] : []))
    }
}
