package import CartAssociations

/// One record that was chosen and decoded.
package struct ExportRecord: Sendable {
    /// The owner and the cart that the record names.
    package let association: Association
    /// What a delta asks for; nil in a snapshot.
    package let action: ChangeKind?
    /// Not judged, but for control characters: the store's limit of 1 to 255 characters matters only if the cart is to be
    /// created.
    package let cartName: String?
    /// Not judged either.
    package let cartDescription: String?
    /// The owner's own token, for shopper authentication; a secret.
    package let shopperToken: String?
    /// Where the record begins.
    package let place: RecordPlace
    /// The record as it stands in the export, see `RejectedRecord.raw`.
    let raw: [UInt8]

    init(
        association: Association, action: ChangeKind? = nil, cartName: String? = nil, cartDescription: String? = nil,
        shopperToken: String? = nil, place: RecordPlace, raw: [UInt8] = []
    ) {
        self.association = association
        self.action = action
        self.cartName = Self.withoutC1(cartName)
        self.cartDescription = Self.withoutC1(cartDescription)
        self.shopperToken = shopperToken
        self.place = place
        self.raw = raw
    }

    /// A name without the control characters from U+0080: text of Windows-1252 that was taken for ISO 8859 has them in the
    /// place of its own characters, which are put back.
    private static func withoutC1(_ name: String?) -> String? {
        let controls = 0x80..<0xA0 as Range<UInt32>
        guard let name, name.unicodeScalars.contains(where: { controls.contains($0.value) }) else { return name }
        let meant = name.unicodeScalars.compactMap { scalar in
            let value = controls.contains(scalar.value) ? TextEncoding.windows[Int(scalar.value - 0x80)] : scalar.value
            return controls.contains(value) ? nil : Unicode.Scalar(value)
        }
        return String(String.UnicodeScalarView(meant))
    }
}

/// One record that cannot be used.
package struct RejectedRecord: Sendable {
    /// Where the record begins.
    package let place: RecordPlace
    /// Why it cannot be used.
    package let reason: RejectReason
    /// The record as it stands in the export, without its line end.
    ///
    /// UTF-8 if the export is UTF-16 or Latin-1, else the export's own bytes, valid or not. A nested XML record
    /// has the start and end tags of the elements around it. Empty if the record was too large to keep.
    let raw: [UInt8]
    /// The record as what it leaves in doubt.
    package let doubt: DoubtfulPart

    init(place: RecordPlace, reason: RejectReason, raw: [UInt8], text: [UInt8], hidesIdentifiers: Bool = false) {
        self.place = place
        self.reason = reason
        self.raw = raw
        doubt = DoubtfulPart(
            export: place.export, line: place.line, reason: reason, text: text, size: raw.count,
            hidesIdentifiers: hidesIdentifiers)
    }

    /// The same record behind those of another export in the same file.
    func moved(behind number: Int, lines: Int, of name: String) -> RejectedRecord {
        RejectedRecord(
            place: RecordPlace(export: place.export, record: place.record + number, line: place.line + lines),
            reason: RejectReason(reason.code, "\(reason.sentence) (line \(place.line) of \(name))"), raw: raw,
            text: doubt.text, hidesIdentifiers: doubt.hidesIdentifiers)
    }

    /// A record that was usable by itself and is rejected because of others.
    package init(_ record: ExportRecord, reason: RejectReason) {
        let ids = "\(record.association.owner.id.text) \(record.association.cart.text) "
        self.init(place: record.place, reason: reason, raw: record.raw, text: Array(ids.utf8) + record.raw)
    }
}

/// One record that was asked for as a value.
package enum ReadRecord: Sendable {
    case usable(ExportRecord)
    case rejected(RejectedRecord)
}

/// Why one record cannot be used.
package struct RejectReason: Error, Hashable {
    /// The stable name of a reason, for counts and for programs.
    package enum Code: String, Sendable, Hashable, CaseIterable, Codable {
        case missingCart = "missing-cart"
        case missingOwner = "missing-owner"
        case missingAction = "missing-action"
        case badCart = "bad-cart"
        case badOwner = "bad-owner"
        /// The cart is to be created, and the store would refuse its name or description; decided outside of reading.
        case badCartName = "bad-cart-name"
        case unknownAction = "unknown-action"
        case unknownOwnerType = "unknown-owner-type"
        /// The owner's key stands for nobody.
        case unknownOwner = "unknown-owner"
        /// The owner's key stands for several owners.
        case ambiguousOwner = "ambiguous-owner"
        /// The crosswalk has several ids for the cart.
        case ambiguousCart = "ambiguous-cart"
        /// The record says two different things about one field.
        case contradiction
        case fieldCount = "field-count"
        case textAfterQuote = "text-after-quote"
        case bareQuote = "bare-quote"
        case carriageReturn = "carriage-return"
        case nulByte = "nul-byte"
        case encoding
        case tooLarge = "too-large"
        /// The last record of a file without a final line end.
        case mayBeCut = "may-be-cut"
        /// The last line of a file, which looks like a total or a footer.
        case trailer
        /// An element that names a cart or an owner, in the place of a record but under another name.
        case unexpectedElement = "unexpected-element"
        /// The XML library reads the record otherwise.
        case ambiguous
        /// A quoted field, or the name of a column, holds what looks like whole records. A record of it is usable.
        case swallowedRecords = "swallowed-records"
        /// Text that is in no record.
        case strayText = "stray-text"
        /// An element that is neither a record nor known to hold none.
        case strayElement = "stray-element"
        /// Another record of the run stands against this one; decided outside of reading.
        case conflict
        /// A delete of a delta whose cart stands in a part that was not understood; decided outside of reading.
        case inDoubt = "in-doubt"
    }

    /// The stable name.
    package let code: Code
    /// The reason as a person reads it, with the values in question.
    package let sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }
}

extension RejectReason {
    /// Why every record of an association is rejected that the exports of one run both create and delete.
    package static func createAndDelete(_ association: Association) -> RejectReason {
        RejectReason(.contradiction, "the export says both create and delete for \(association)")
    }
}
