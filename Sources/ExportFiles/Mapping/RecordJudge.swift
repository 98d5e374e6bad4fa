import CartAssociations
import DurableFiles

/// The fields of one record that decide what it says.
struct RecordFields {
    var cart = ByteRange()
    var customer = ByteRange()
    var account = ByteRange()
    var owner = ByteRange()
    var ownerType = ByteRange()
    var action = ByteRange()

    /// Takes away the marks that a rejects file puts before what a spreadsheet would calculate.
    mutating func removeMarks(in bytes: Span<UInt8>) {
        func unmarked(_ cell: ByteRange) -> ByteRange {
            FormulaGuard.isMarked(bytes.extracting(cell.range)) ? ByteRange(cell.range.dropFirst()) : cell
        }
        cart = unmarked(cart)
        customer = unmarked(customer)
        account = unmarked(account)
        owner = unmarked(owner)
        ownerType = unmarked(ownerType)
        action = unmarked(action)
    }
}

/// Decides what a record says, or why it cannot be used; the same for CSV and XML.
struct RecordJudge: Sendable {
    let owners: OwnerFields
    let hasAction: Bool
    /// Whether cells may carry the apostrophe that files of ours have before what a spreadsheet would calculate.
    var unguards = false

    /// What a record says; throws the reason if it cannot be used.
    func judge(_ fields: RecordFields, in bytes: Span<UInt8>) throws(RejectReason) -> Statement {
        var fields = fields
        if unguards { fields.removeMarks(in: bytes) }
        let action = hasAction ? try action(fields, bytes) : nil
        let (kind, owner) = try owner(fields, bytes)
        guard !owner.isEmpty else { throw RejectReason(.missingOwner, "the owner is missing") }
        guard IdentifierBytes.isOwner(bytes.extracting(owner.range)) else {
            throw RejectReason(
                .badOwner,
                "the owner \(quoted(owner, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) bytes, no spaces or "
                    + "control characters")
        }
        guard !fields.cart.isEmpty else { throw RejectReason(.missingCart, "the cart is missing") }
        guard IdentifierBytes.isCart(bytes.extracting(fields.cart.range)) else {
            throw RejectReason(
                .badCart,
                "the cart \(quoted(fields.cart, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) of the "
                    + "characters A-Z a-z 0-9 _ -")
        }
        return Statement(kind: kind, action: action, owner: owner, cart: fields.cart)
    }

    private func action(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> ChangeKind {
        guard !fields.action.isEmpty else { throw RejectReason(.missingAction, "the action is missing") }
        if let action = ActionWords.kind(bytes.extracting(fields.action.range)) { return action }
        throw RejectReason(
            .unknownAction, "unknown action \(quoted(fields.action, bytes)): create or delete, or a word like them")
    }

    private func owner(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> (OwnerKind, ByteRange) {
        switch owners {
        case .one(let field, let only):
            return (only, field == .customer ? fields.customer : field == .account ? fields.account : fields.owner)
        case .either:
            guard fields.customer.isEmpty || fields.account.isEmpty else {
                throw RejectReason(
                    .contradiction,
                    "both a customer \(quoted(fields.customer, bytes)) and an account \(quoted(fields.account, bytes)): "
                        + "a record has one owner")
            }
            return fields.customer.isEmpty ? (.account, fields.account) : (.customer, fields.customer)
        case .typed(let only):
            guard let kind = OwnerKind(rawValue: text(fields.ownerType, bytes).lowercased()) else {
                throw RejectReason(
                    .unknownOwnerType, "unknown owner type \(quoted(fields.ownerType, bytes)): customer or account")
            }
            if let only, kind != only {
                throw RejectReason(
                    .contradiction, "the owner is a \(kind.rawValue), where only a \(only.rawValue) is taken")
            }
            return (kind, fields.owner)
        }
    }

    private func text(_ field: ByteRange, _ bytes: Span<UInt8>) -> String {
        String(decodingBytesOf: bytes.extracting(field.range))
    }

    /// A value as a sentence quotes it: short, on one line.
    private func quoted(_ field: ByteRange, _ bytes: Span<UInt8>) -> String {
        let value = text(field, bytes)
        let short = value.count > 60 ? value.prefix(60) + "…" : value[...]
        return "\"" + String(short.map { $0.isNewline || $0 == "\0" ? " " : $0 }) + "\""
    }
}

extension String {
    /// Decodes UTF-8, with replacement characters for what is invalid.
    init(decodingBytesOf bytes: Span<UInt8>) {
        // Unsafe because the buffer may not outlive the span, and it does not outlive the call.
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
