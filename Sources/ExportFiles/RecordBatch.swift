package import CartAssociations

/// Some records of one export, in the order of the file: judged in place, decoded only when asked.
///
/// It holds everything that its records need and can outlive the reading. A reading that finds its last batch gone reuses
/// the memory, so that one batch after the other costs no copy.
package struct RecordBatch: Sendable {
    /// The memory in which the identifiers of usable records lie.
    package let text: [UInt8]
    /// Usable and rejected records.
    package var records: [JudgedRecord]
    /// What is known of the rejected ones among them.
    package private(set) var rejected: [RejectedRecord]
    /// What else was not understood, of the part of the export that the batch is of.
    private(set) var strays: [DoubtfulPart]
    let decoder: RecordDecoder

    /// Everything that was not understood, rejected records first.
    package var doubtful: [DoubtfulPart] { rejected.map(\.doubt) + strays }

    /// Decodes some of the records, in their order; rejected ones are returned as they are.
    ///
    /// A usable record of XML is returned as rejected if the library of the format reads its text differently.
    package func decode(_ chosen: [JudgedRecord]) -> [ReadRecord] {
        switch decoder {
        case .csv(let decoder): decoder.decode(chosen, of: self)
        case .xml(let decoder): decoder.decode(chosen, of: self)
        }
    }
}

extension RecordBatch {
    /// The batch with other records.
    ///
    /// - Parameter bytes: what they need of identifiers that are not in the text, to be put behind it.
    func with(_ records: [JudgedRecord], rejected: [RejectedRecord], textBehind bytes: [UInt8]) -> RecordBatch {
        RecordBatch(
            text: bytes.isEmpty ? text : text + bytes, records: records, rejected: rejected, strays: strays,
            decoder: decoder)
    }

    /// The same records behind those of another export in the same file.
    ///
    /// - Parameters:
    ///   - number: the records of that, all and the usable ones.
    ///   - lines: its lines.
    ///   - name: what the records' own export is called in the file.
    func moved(behind number: Int, usable: Int, lines: Int, of name: String) -> RecordBatch {
        var moved = self
        for index in moved.records.indices {
            moved.records[index].number += number
            moved.records[index].line += lines
            moved.records[index].ordinal += usable
        }
        moved.rejected = rejected.map { $0.moved(behind: number, lines: lines, of: name) }
        moved.strays = strays.map { $0.moved(behind: lines) }
        return moved
    }
}

/// One record of a batch.
package struct JudgedRecord: Sendable {
    /// What the record says; nil if it is rejected.
    package internal(set) var statement: Statement?
    /// Its number in the export, from 1.
    var number: Int
    /// The line on which it begins, from 1.
    package internal(set) var line: Int
    /// How many usable records of the export come before it.
    package var ordinal: Int
    /// Where the record lies in the text of a CSV export.
    var range = ByteRange()
    var origin: Origin

    /// Where the values of a record come from.
    enum Origin {
        /// A record of the text.
        case text
        /// The record at this position of what the XML scan finished.
        case scan(Int32)
        /// The rejected record at this position.
        case rejected(Int32)
    }
}

/// What one record says, as far as comparing needs it.
package struct Statement: Sendable, Equatable {
    /// Whether the owner is a customer or an account.
    package let kind: OwnerKind
    /// What a delta asks for; nil in a snapshot.
    package let action: ChangeKind?
    /// The owner's identifier.
    package internal(set) var owner: ByteRange
    /// The cart's identifier.
    package internal(set) var cart: ByteRange
    /// What the owner's key is, before it is looked up; nil if the record has the id.
    package var keyField: OwnerKeyField?
    /// The owner's key.
    package var key = ByteRange()
    /// What a crosswalk calls the cart; empty in any other export.
    package var legacyCart = ByteRange()
    /// Whether something that stood around an identifier was taken away.
    var isTidied = false

    /// The owner's id, or the key in its place.
    var ownerText: ByteRange { keyField == nil ? owner : key }

    /// The same, with its values so many bytes further behind.
    func moved(by count: Int) -> Statement {
        var moved = self
        moved.owner = owner.moved(by: count)
        moved.cart = cart.moved(by: count)
        moved.key = key.moved(by: count)
        moved.legacyCart = legacyCart.moved(by: count)
        return moved
    }
}

/// A run of bytes within the memory that a record is in; empty for a field that is missing.
package struct ByteRange: Sendable, Equatable {
    @usableFromInline var start: Int32 = 0
    @usableFromInline var count: Int32 = 0

    init() {}

    init(_ range: Range<Int>) {
        start = Int32(truncatingIfNeeded: range.lowerBound)
        count = Int32(truncatingIfNeeded: range.count)
    }

    var isEmpty: Bool { count == 0 }

    func moved(by offset: Int) -> ByteRange {
        isEmpty ? self : ByteRange(range.lowerBound + offset..<range.upperBound + offset)
    }

    /// The positions of the bytes.
    @inlinable package var range: Range<Int> { Int(start)..<Int(start) &+ Int(count) }
}

/// What decodes the records of a batch.
enum RecordDecoder: Sendable {
    case csv(CSVDecoder)
    case xml(XMLRecordDecoder)

    /// What is to be known of a record that turns out to be unusable.
    func rejected(_ judged: JudgedRecord, _ reason: RejectReason, of batch: RecordBatch) -> RejectedRecord {
        switch self {
        case .csv(let decoder): decoder.rejected(judged, reason, batch.text.span)
        case .xml(let decoder): decoder.rejected(judged, reason, of: batch)
        }
    }
}
