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

    /// Takes away what stands around identifiers, and words that mean that there is none.
    mutating func tidy(in bytes: Span<UInt8>) {
        cart = IdentifierText.plain(cart, in: bytes)
        customer = IdentifierText.plain(customer, in: bytes)
        account = IdentifierText.plain(account, in: bytes)
        owner = IdentifierText.plain(owner, in: bytes)
        ownerType = IdentifierText.plain(ownerType, in: bytes)
        action = IdentifierText.plain(action, in: bytes)
    }

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
    /// In a delta each record has an action; additions are all created.
    let kind: ExportKind
    var words = ActionWords()
    /// Whether cells may carry the apostrophe that files of ours have before what a spreadsheet would calculate.
    var unguards = false

    /// What a record says; throws the reason if it cannot be used.
    func judge(_ fields: RecordFields, in bytes: Span<UInt8>) throws(RejectReason) -> Statement {
        var fields = fields
        if unguards { fields.removeMarks(in: bytes) }
        do throws(RejectReason) {
            let statement = try judgeAsIs(fields, bytes)
            if !IdentifierText.isOdd(bytes.extracting(statement.owner.range)),
                IdentifierBytes.areASCII(bytes.extracting(statement.owner.range)),
                !IdentifierText.isOdd(bytes.extracting(statement.cart.range))
            {
                return statement
            }
        } catch {
            // It may be an identifier with something around it.
        }
        let written = fields
        fields.tidy(in: bytes)
        let statement = try judgeAsIs(fields, bytes)
        try checkForm(statement.owner, "owner", .badOwner, bytes)
        try checkForm(statement.cart, "cart", .badCart, bytes)
        var tidied = statement
        let owners = [written.customer, written.account, written.owner]
        tidied.isTidied = statement.cart != written.cart || !owners.contains(statement.owner)
        return tidied
    }

    private func judgeAsIs(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> Statement {
        let action: ChangeKind? =
            switch kind {
            case .snapshot: nil
            case .additions: .create
            case .delta: try action(fields, bytes)
            }
        let (kind, owner) = try owner(fields, bytes)
        guard !owner.isEmpty else { throw RejectReason(.missingOwner, "the owner is missing") }
        guard IdentifierBytes.isOwner(bytes.extracting(owner.range)) else {
            try checkForm(owner, "owner", .badOwner, bytes)
            throw RejectReason(
                .badOwner,
                "the owner \(quoted(owner, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) bytes, no spaces or "
                    + "control characters")
        }
        guard !fields.cart.isEmpty else { throw RejectReason(.missingCart, "the cart is missing") }
        guard IdentifierBytes.isCart(bytes.extracting(fields.cart.range)) else {
            try checkForm(fields.cart, "cart", .badCart, bytes)
            throw RejectReason(
                .badCart,
                "the cart \(quoted(fields.cart, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) of the "
                    + "characters A-Z a-z 0-9 _ -")
        }
        return Statement(kind: kind, action: action, owner: owner, cart: fields.cart)
    }

    /// Throws if a spreadsheet or a word processor has made another value of an identifier.
    private func checkForm(
        _ field: ByteRange, _ name: String, _ code: RejectReason.Code, _ bytes: Span<UInt8>
    ) throws(RejectReason) {
        let value = bytes.extracting(field.range)
        if IdentifierText.isDestroyed(value) {
            throw RejectReason(
                code,
                "the \(name) \(quoted(field, bytes)) is no id: a spreadsheet has destroyed it; export it again with this "
                    + "column as text")
        }
        guard let found = IdentifierText.lookAlike(in: value) else { return }
        throw RejectReason(
            code,
            "the \(name) \(quoted(field, bytes)) has the character \(found.scalar.number), which only looks like a "
                + (found.isHyphen ? "hyphen" : "digit"))
    }

    private func action(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> ChangeKind {
        guard !fields.action.isEmpty else { throw RejectReason(.missingAction, "the action is missing") }
        if let action = words.kind(bytes.extracting(fields.action.range)) { return action }
        throw RejectReason(
            .unknownAction, "unknown action \(quoted(fields.action, bytes)): \(words.advice)")
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

    /// A value as a sentence quotes it: short, on one line, and with the numbers of characters that cannot be seen.
    private func quoted(_ field: ByteRange, _ bytes: Span<UInt8>) -> String {
        let value = text(field, bytes)
        let short = value.count > 60 ? value.prefix(60) + "…" : value[...]
        var shown = ""
        for scalar in short.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control where scalar == "\n" || scalar == "\r" || scalar == "\0": shown += " "
            case .spaceSeparator where scalar == " ": shown += " "
            case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator:
                shown += "<\(scalar.number)>"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return "\"\(shown)\""
    }
}

extension String {
    /// Decodes UTF-8, with replacement characters for what is invalid.
    init(decodingBytesOf bytes: Span<UInt8>) {
        // Unsafe because the buffer may not outlive the span, and it does not outlive the call.
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
