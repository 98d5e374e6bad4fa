import CartAssociations
import DurableFiles

/// Takes the cells of a framed record for the fields that they are.
///
/// It is a class because a call of a struct as large as this would copy it, for each record.
final class CSVRecordCells: Sendable {
    let judge: RecordJudge
    private let columns: CSVColumns
    private let delimiter: UInt8
    /// The columns whose values a record has, and what they are.
    private let decoded: [(field: ExportField, column: Int)]
    private let cart: Int
    private let customer: Int?
    private let account: Int?
    private let owner: Int?
    private let ownerType: Int?
    private let action: Int?
    private let legacyCart: Int?
    /// Whether the last column with a name has an identifier in every record that can be used. A delimiter too many before it
    /// would leave a value behind it.
    let endsInIdentifier: Bool
    /// What names the columns of carts, of the owners and of identifiers of any kind in a header, as names are compared.
    private let cartNames: [[UInt8]]
    private let ownerNames: [[UInt8]]
    private let idNames: [[UInt8]]
    /// For each byte, whether a cell with a name may end in it: most identifiers end in a digit, and most names do not.
    private let endsName: [Bool]
    /// The columns of owners' keys.
    private let keys: [(field: OwnerKeyField, column: Int)]

    static let trailer = RejectReason(
        .trailer,
        "the last line looks like a total or a footer: all records before it have owners and carts of one form, and it has not"
    )

    static let total = RejectReason(
        .trailer, "the line looks like a total or a footer: it has a word for one, and the number of records above it")

    /// What a record of a rejects file is rejected for again, as long as nobody has changed it: other records do not show it.
    private static let lasting = [
        (
            "a total or a footer",
            RejectReason(
                .trailer,
                "the line was rejected before, as a total or a footer; if it is a record, empty its first cell")
        ),
        (
            "a part of it may be missing",
            RejectReason(
                .mayBeCut,
                "the line was rejected before, because a part of it may be missing; if it is whole, empty its first cell"
            )
        ),
    ]

    private static let width = " where the header has "

    /// Whether the first cell of a record of a rejects file says that it had another number of fields than the header.
    func wasRejectedForWidth(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> Bool {
        String(decodingBytesOf: bytes.extracting(CSVField(bytes, cell(0, record, ends)).content)).contains(Self.width)
    }

    /// Why a record of a rejects file is rejected again that has the identifiers with which it was rejected; nil if others
    /// than its own reason say what it is.
    func lasting(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> RejectReason? {
        let ids = ids(record, ends, bytes)
        guard !ids.isEmpty else { return nil }
        let reason = String(decodingBytesOf: bytes.extracting(CSVField(bytes, cell(0, record, ends)).content))
        guard reason.hasSuffix(ids) else { return nil }
        return Self.lasting.first { reason.contains($0.0) }?.1
    }

    /// A reason with the identifiers of its record at the end.
    func naming(
        _ reason: RejectReason, _ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>
    ) -> RejectReason {
        RejectReason(reason.code, reason.sentence + ids(record, ends, bytes))
    }

    /// The identifiers of a record in words; empty if it has fewer fields than the header.
    private func ids(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> String {
        guard record.fieldCount >= columns.count else { return "" }
        let (owner, cart) = identifiers(record, ends, bytes)
        func text(_ cell: Range<Int>) -> String {
            String(decodingBytesOf: bytes.extracting(IdentifierText.unwrapped(cell, in: bytes)))
        }
        return " (\(text(owner)), \(text(cart)))"
    }

    static let mayBeCut = RejectReason(
        .mayBeCut,
        "the file ends within this line, so that a part of it may be missing: there is no final line end; a manifest or "
            + "a checksum vouches for it, or export.require-final-newline: false for all files of this system")

    init(
        _ columns: CSVColumns, delimiter: UInt8, words: ActionWords = ActionWords(), kind: ExportKind? = nil
    ) {
        self.columns = columns
        self.delimiter = delimiter
        judge = RecordJudge(
            owners: columns.owners, kind: kind ?? (columns.hasAction ? .delta : .snapshot), words: words,
            unguards: columns.areMarked, encodesCarts: columns.encodesCarts)
        decoded = ExportField.allCases.compactMap { field in columns.column(field).map { (field, $0) } }
        cart = columns.column(.cart) ?? 0
        let used = columns.owners.fields
        customer = used.contains(.customer) ? columns.column(.customer) : nil
        account = used.contains(.account) ? columns.column(.account) : nil
        owner = used.contains(.owner) ? columns.column(.owner) : nil
        ownerType = used.contains(.ownerType) ? columns.column(.ownerType) : nil
        action = columns.column(.action)
        legacyCart = columns.column(.legacyCart)
        keys = columns.owners.keys.compactMap { field in
            field.key.flatMap { key in columns.column(field).map { (key, $0) } }
        }
        let owners = [customer, account, owner].compactMap(\.self) + keys.map(\.column)
        endsInIdentifier = cart == columns.namedCount - 1 || owners == [columns.namedCount - 1]
        func names(_ fields: [ExportField]) -> [[UInt8]] {
            let own = fields.compactMap(columns.column).map { columns.names[$0] }
            return (own + fields.flatMap { FieldVocabulary.usual[$0] ?? [] }).map {
                Array(FieldVocabulary.plain($0).utf8)
            }
        }
        cartNames = names([.cart])
        ownerNames = names(ExportField.owners.filter(used.contains))
        idNames = cartNames + names(ExportField.owners)
        let ends = Set(idNames.compactMap(\.last))
        endsName = (UInt8.min...UInt8.max).map { ends.contains(Self.lowercased($0)) || Self.isAroundNames($0) }
    }

    /// A header that stands where a record should: that of the export, or one with other columns or in another order.
    enum Header { case same, other }

    /// Whether names of columns stand in the places of the owner and the cart, as where files were put together.
    @inline(__always)
    func header(_ owner: Range<Int>, _ cart: Range<Int>, _ bytes: Span<UInt8>) -> Header? {
        guard !cart.isEmpty, endsName[Int(bytes[cart.upperBound - 1])], cart.count <= Self.longestName else {
            return nil
        }
        guard Self.isName(bytes, cart, in: idNames), Self.isName(bytes, owner, in: idNames) else { return nil }
        let isSame = Self.isName(bytes, cart, in: cartNames) && Self.isName(bytes, owner, in: ownerNames)
        return isSame ? .same : .other
    }

    /// No longer cell is taken for a name.
    private static let longestName = 64

    /// Whether a cell is one of some names, without regard to case, and to what stands in and around names.
    private static func isName(_ bytes: Span<UInt8>, _ cell: Range<Int>, in names: [[UInt8]]) -> Bool {
        for name in names.indices {
            var (index, met) = (cell.lowerBound, 0)
            while index < cell.upperBound {
                let byte = bytes[index]
                if met < names[name].count, lowercased(byte) == names[name][met] {
                    met += 1
                } else if !isAroundNames(byte) {
                    break
                }
                index += 1
            }
            if index == cell.upperBound, met == names[name].count { return true }
        }
        return false
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// Whether a byte is a blank, a dash, an underscore, a quote or of a byte order mark.
    private static func isAroundNames(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "="):
            true
        case 0xEF, 0xBB, 0xBF: true
        default: false
        }
    }

    /// Why the form of a record makes it unusable; nil if its fields can be read, if only in one way.
    func fault(of record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> RejectReason? {
        guard let fault = fault(of: record, bytes) else { return nil }
        switch fault.code {
        case .bareQuote, .textAfterQuote:
            guard areTolerable(record, ends, bytes) else { return fault }
        case .fieldCount:
            guard isComplete(record, ends, bytes) else { return fault }
        case .encoding: break
        default: return fault
        }
        guard !record.isASCII else { return nil }
        let wrong = decoded.first { item in
            String(validating: CSVField(bytes, cell(item.column, record, ends)).unescaped(bytes), as: UTF8.self) == nil
        }
        guard let wrong else { return nil }
        return RejectReason(
            .encoding,
            "the \(wrong.field.words) has bytes that are not UTF-8; if the export comes from Excel: "
                + "--encoding windows-1252")
    }

    /// Why a record is not as RFC 4180 and the header have it; nil if it is.
    func fault(of record: CSVFramer.Record, _ bytes: Span<UInt8>) -> RejectReason? {
        switch record.fault {
        case .bareQuote:
            return RejectReason(.bareQuote, "a quote in a field without quotes around it")
        case .textAfterQuote:
            return RejectReason(.textAfterQuote, "text after a closing quote")
        case .carriageReturn:
            return RejectReason(.carriageReturn, "a carriage return outside of quotes that ends no line")
        case .nulByte:
            return RejectReason(.nulByte, "a byte that is zero")
        case nil: break
        }
        guard record.fieldCount == columns.count else { return fieldCountFault(record) }
        guard isUTF8(record, bytes) else { return RejectReason(.encoding, "bytes that are not valid UTF-8") }
        return nil
    }

    /// What is wrong with a record that has another number of fields than the header.
    func fieldCountFault(_ record: CSVFramer.Record) -> RejectReason {
        RejectReason(
            .fieldCount,
            "\(record.fieldCount) field\(record.fieldCount == 1 ? "" : "s")\(Self.width)\(columns.count)")
    }

    /// Whether the whole record is UTF-8, also in columns that nobody needs.
    func isUTF8(_ record: CSVFramer.Record, _ bytes: Span<UInt8>) -> Bool {
        record.isASCII || (try? UTF8Span(validating: bytes.extracting(record.start..<record.end))) != nil
    }

    /// Whether a record has a field for each column that has a name, and beyond the columns only empty ones.
    private func isComplete(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> Bool {
        if record.fieldCount <= columns.count { return record.fieldCount >= columns.namedCount }
        return isEmpty(bytes, Int(ends[columns.count - 1])..<record.end)
    }

    /// Whether a range has nothing but delimiters, blanks, empty quotes, and some bytes more.
    func isEmpty(_ bytes: Span<UInt8>, _ range: Range<Int>, orOf others: [UInt8] = []) -> Bool {
        CSVField.isEmpty(bytes, range, delimiter: delimiter, orOf: others)
    }

    /// Whether quotes that stand where RFC 4180 allows none can be read in one way only: each field has none, or one
    /// at either end, with blanks or a spreadsheet's `=` around.
    private func areTolerable(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> Bool {
        guard isComplete(record, ends, bytes) else { return false }
        for column in 0..<min(record.fieldCount, columns.count) {
            guard CSVField.isTolerable(bytes, cell(column, record, ends)) else { return false }
        }
        return !(record.start..<record.end).contains { bytes[$0] == 0 || bytes[$0] == CSVFramer.carriageReturn }
    }

    /// What a record says whose fields stand in the text as they are; throws the reason if it cannot be used.
    func statement(
        _ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>
    ) throws(RejectReason) -> Statement {
        var fields = self.fields { content($0, record, ends, bytes) }
        fields.areASCII = record.isASCII
        return try judge.judge(fields, in: bytes)
    }

    /// The same of a record with quotes in such a field; the values are put into memory of their own.
    func statement(
        _ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>, unescapedInto values: inout [UInt8]
    ) throws(RejectReason) -> Statement {
        try judge.judge(fields(record, ends, bytes, into: &values), in: values.span)
    }

    private func fields(
        _ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>, into values: inout [UInt8]
    ) -> RecordFields {
        fields { column in
            let start = values.count
            CSVField(bytes, cell(column, record, ends)).unescape(bytes, into: &values)
            return ByteRange(start..<values.count)
        }
    }

    @inline(__always)
    private func fields(_ value: (_ column: Int) -> ByteRange) -> RecordFields {
        var fields = RecordFields()
        fields.cart = value(cart)
        if let customer { fields.customer = value(customer) }
        if let account { fields.account = value(account) }
        if let owner { fields.owner = value(owner) }
        if let ownerType { fields.ownerType = value(ownerType) }
        if let action { fields.action = value(action) }
        if let legacyCart { fields.legacyCart = value(legacyCart) }
        for (field, column) in keys { fields.add(value(column), field) }
        return fields
    }

    /// Whether a field that says what a record means holds quotes, so that its value does not stand in the text.
    func hasQuotes(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> Bool {
        var hasQuotes = false
        _ = fields { column in
            hasQuotes = hasQuotes || CSVField(bytes, cell(column, record, ends)).hasQuotes(bytes)
            return ByteRange()
        }
        return hasQuotes
    }

    /// The cells of the owner and the cart.
    @inline(__always)
    func identifiers(
        _ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>
    ) -> (owner: Range<Int>, cart: Range<Int>) {
        var owner = customer.map { content($0, record, ends, bytes).range } ?? 0..<0
        if owner.isEmpty, let account { owner = content(account, record, ends, bytes).range }
        if owner.isEmpty, let column = self.owner { owner = content(column, record, ends, bytes).range }
        for (_, column) in keys where owner.isEmpty { owner = content(column, record, ends, bytes).range }
        return (owner, content(cart, record, ends, bytes).range)
    }

    /// The values of a record, in the order of `decoded`.
    func row(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> [String] {
        decoded.map { CSVField(bytes, cell($0.column, record, ends)).text(bytes) }
    }

    /// The value of a decoded record; nil if its identifiers are invalid, which the judge rules out.
    ///
    /// - Parameter memory: that in which the statement's identifiers are.
    func value(
        _ row: [String], _ statement: Statement, in memory: Span<UInt8>, _ place: RecordPlace, raw: [UInt8]
    ) -> ExportRecord? {
        func text(_ field: ExportField, _ plain: (Range<Int>, Span<UInt8>) -> Range<Int>) -> String? {
            guard let position = decoded.firstIndex(where: { $0.field == field }) else { return nil }
            let whole = judge.unguards ? FormulaGuard.unmarked(row[position]) : row[position]
            let bytes = Array(whole.utf8)
            let range = plain(bytes.indices, bytes.span)
            return range.isEmpty ? nil : String(decoding: bytes[range], as: UTF8.self)
        }
        func identifier(_ range: ByteRange) -> String { String(decodingBytesOf: memory.extracting(range.range)) }
        guard let owner = OwnerID(identifier(statement.owner)), let cart = CartID(identifier(statement.cart)) else {
            return nil
        }
        return ExportRecord(
            association: Association(statement.kind, owner, cart), action: statement.action,
            cartName: text(.cartName, IdentifierText.plainName),
            cartDescription: text(.cartDescription, IdentifierText.plainName),
            shopperToken: text(
                statement.kind == .customer ? .customerToken : .accountToken, IdentifierText.trimmed),
            place: place, raw: raw)
    }

    func rejected(
        _ record: CSVFramer.Record, _ place: RecordPlace, _ reason: RejectReason, _ ends: [Int32], _ bytes: Span<UInt8>
    ) -> RejectedRecord {
        // Quotes and delimiters are no characters of identifiers: the raw bytes show the same identifiers as the values.
        let raw = raw(record, bytes)
        return RejectedRecord(
            place: place, reason: reason, raw: raw, text: raw,
            hidesIdentifiers: reason.code == .mayBeCut || hasLostDelimiter(record) || raw.contains(0))
    }

    /// Whether a delimiter or a line end may be missing between two identifiers, so that they stand there as one.
    private func hasLostDelimiter(_ record: CSVFramer.Record) -> Bool {
        record.fieldCount < columns.count || record.fieldCount >= 2 * columns.count - 1
    }

    /// Whether a quoted field of several lines holds what looks like records: a line with as many fields as the header,
    /// or the cut last one with fewer, has an identifier in the cart's place.
    ///
    /// So it is where a quote is missing and the next one closes the field.
    func swallowsRecords(_ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>) -> Bool {
        (0..<min(record.fieldCount, columns.count)).contains { column in
            let field = CSVField(bytes, cell(column, record, ends))
            return field.isQuoted && holdsRecord(bytes.extracting(field.content))
        }
    }

    private func holdsRecord(_ content: Span<UInt8>) -> Bool {
        var lines = 1
        var fields = 1
        var start = 0
        var hasCart = false
        for at in 0...content.count {
            let isOver = at == content.count
            let byte = isOver ? CSVFramer.lineFeed : content[at]
            let endsLine = byte == CSVFramer.lineFeed || byte == CSVFramer.carriageReturn
            guard endsLine || byte == delimiter else { continue }
            if fields == cart + 1 { hasCart = isCart(content.extracting(start..<at)) }
            start = at + 1
            guard endsLine else {
                fields += 1
                continue
            }
            let isCut = isOver && lines > 1 && (2..<columns.count).contains(fields)
            if hasCart && (isCut || fields == columns.count && !(isOver && lines == 1)) { return true }
            if !isOver { lines += 1 }
            fields = 1
            hasCart = false
        }
        return false
    }

    /// Whether a field is an identifier of a cart but for blanks around it.
    private func isCart(_ field: Span<UInt8>) -> Bool {
        var (start, end) = (0, field.count)
        while start < end && field[start] == 0x20 { start += 1 }
        while start < end && field[end - 1] == 0x20 { end -= 1 }
        return IdentifierBytes.isCart(field.extracting(start..<end))
    }

    func raw(_ record: CSVFramer.Record, _ bytes: Span<UInt8>) -> [UInt8] {
        var raw: [UInt8] = []
        raw.reserveCapacity(record.end - record.start)
        raw.append(bytes.extracting(record.start..<record.end))
        return raw
    }

    private func cell(_ column: Int, _ record: CSVFramer.Record, _ ends: [Int32]) -> Range<Int> {
        (column == 0 ? record.start : Int(ends[column &- 1]) &+ 1)..<Int(ends[column])
    }

    @inline(__always)
    private func content(
        _ column: Int, _ record: CSVFramer.Record, _ ends: [Int32], _ bytes: Span<UInt8>
    ) -> ByteRange {
        ByteRange(CSVField(bytes, cell(column, record, ends)).content)
    }
}
