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
    /// What a crosswalk calls the cart.
    var legacyCart = ByteRange()
    /// The owner's key.
    private(set) var key = ByteRange()
    private(set) var keyField: OwnerKeyField?
    /// Another key of an owner, which a record may not have.
    private(set) var otherKey = ByteRange()
    /// Whether it is known that all of them are ASCII.
    var areASCII = false

    /// Takes note of a field of keys; most records have an empty one.
    mutating func add(_ range: ByteRange, _ field: OwnerKeyField) {
        guard !range.isEmpty else { return }
        if keyField == nil { (key, keyField) = (range, field) } else { otherKey = range }
    }

    /// Takes away what stands around identifiers, and words that mean that there is none.
    mutating func tidy(in bytes: Span<UInt8>) {
        cart = IdentifierText.plain(cart, in: bytes)
        customer = IdentifierText.plain(customer, in: bytes)
        account = IdentifierText.plain(account, in: bytes)
        owner = IdentifierText.plain(owner, in: bytes)
        ownerType = IdentifierText.plain(ownerType, in: bytes)
        action = IdentifierText.plain(action, in: bytes)
        legacyCart = IdentifierText.plain(legacyCart, in: bytes)
        key = IdentifierText.plain(key, in: bytes)
        if key.isEmpty { keyField = nil }
        otherKey = IdentifierText.plain(otherKey, in: bytes)
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
        (key, otherKey) = (unmarked(key), unmarked(otherKey))
    }
}

/// Decides what a record says, or why it cannot be used; the same for CSV and XML.
///
/// It is a class for the same reason as `CSVRecordCells`.
final class RecordJudge: Sendable {
    let owners: OwnerFields
    /// In a delta each record has an action; additions are all created.
    let kind: ExportKind
    let words: ActionWords
    /// Whether cells may carry the apostrophe that files of ours have before what a spreadsheet would calculate.
    let unguards: Bool
    /// Whether carts may have any characters.
    let encodesCarts: Bool

    init(
        owners: OwnerFields, kind: ExportKind, words: ActionWords, unguards: Bool = false, encodesCarts: Bool
    ) {
        self.owners = owners
        self.kind = kind
        self.words = words
        self.unguards = unguards
        self.encodesCarts = encodesCarts
    }

    private var isCrosswalk: Bool { owners.isCrosswalk }

    /// What a record says; throws the reason if it cannot be used.
    func judge(_ fields: RecordFields, in bytes: Span<UInt8>) throws(RejectReason) -> Statement {
        guard unguards else { return try judgeUnmarked(fields, bytes) }
        var unmarked = fields
        unmarked.removeMarks(in: bytes)
        return try judgeUnmarked(unmarked, bytes)
    }

    @inline(__always)
    private func judgeUnmarked(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> Statement {
        do throws(RejectReason) {
            let statement = try judgeAsIs(fields, bytes)
            let owner = bytes.extracting(statement.ownerText.range)
            if !IdentifierText.isOdd(owner), fields.areASCII || IdentifierBytes.areASCII(owner),
                !IdentifierText.isOdd(bytes.extracting(statement.cart.range)),
                !IdentifierText.isOdd(bytes.extracting(statement.legacyCart.range))
            {
                return statement
            }
        } catch {
            // It may be an identifier with something around it.
        }
        return try judgeTidied(fields, bytes)
    }

    /// What a record says without what stands around its identifiers.
    private func judgeTidied(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> Statement {
        var plain = fields
        plain.tidy(in: bytes)
        let statement = try judgeAsIs(plain, bytes)
        if statement.keyField?.key.isEmail != true {
            try checkForm(statement.ownerText, "owner", .badOwner, bytes)
        }
        try checkForm(statement.cart, "cart", .badCart, bytes)
        try checkForm(statement.legacyCart, "legacy cart", .badCart, bytes)
        var tidied = statement
        let owners = [fields.customer, fields.account, fields.owner, fields.key]
        tidied.isTidied = statement.cart != fields.cart || !owners.contains(statement.ownerText)
        return tidied
    }

    @inline(__always)
    private func judgeAsIs(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> Statement {
        let action: ChangeKind? =
            switch kind {
            case .snapshot: nil
            case .additions: .create
            case .delta: try action(fields, bytes)
            }
        let (kind, owner, keyField) = try owner(fields, bytes)
        if isCrosswalk { return try crosswalk(kind, owner, fields, bytes) }
        guard !owner.isEmpty else { throw RejectReason(.missingOwner, "the owner is missing") }
        if let keyField {
            try checkKey(owner, keyField, bytes)
            try checkCart(fields.cart, bytes)
            return Statement(
                kind: kind, action: action, owner: ByteRange(), cart: fields.cart, keyField: keyField, key: owner)
        }
        try checkOwner(owner, bytes)
        try checkCart(fields.cart, bytes)
        return Statement(kind: kind, action: action, owner: owner, cart: fields.cart)
    }

    /// A line of a crosswalk has an owner's key and id, what a cart was called and its id, or both.
    private func crosswalk(
        _ kind: OwnerKind, _ owner: ByteRange, _ fields: RecordFields, _ bytes: Span<UInt8>
    ) throws(RejectReason) -> Statement {
        let hasCart = !fields.legacyCart.isEmpty
        if hasCart {
            guard !fields.cart.isEmpty else { throw RejectReason(.missingCart, "the id of the cart is missing") }
            try checkCart(fields.cart, bytes)
        }
        let cart = hasCart ? fields.cart : ByteRange()
        if hasCart, fields.keyField == nil, owner.isEmpty {
            return Statement(
                kind: kind, action: nil, owner: ByteRange(), cart: cart, legacyCart: fields.legacyCart)
        }
        guard let keyField = fields.keyField else { throw RejectReason(.missingOwner, "the owner's key is missing") }
        guard !owner.isEmpty else { throw RejectReason(.missingOwner, "the owner's id is missing") }
        try checkKey(fields.key, keyField, bytes)
        try checkOwner(owner, bytes)
        guard kind == keyField.owner else {
            throw RejectReason(
                .contradiction, "the key is \(keyField.owner.withArticle)'s, and the id \(kind.withArticle)'s")
        }
        return Statement(
            kind: kind, action: nil, owner: owner, cart: cart, keyField: keyField, key: fields.key,
            legacyCart: fields.legacyCart)
    }

    /// The longest key (Elastic Path, external references), in bytes.
    private static let longestKey = 2048

    private func checkKey(_ key: ByteRange, _ field: OwnerKeyField, _ bytes: Span<UInt8>) throws(RejectReason) {
        if field.key == .id { return try checkOwner(key, bytes) }
        if key.range.count <= Self.longestKey, Self.isPlain(bytes.extracting(key.range), isEmail: field.key.isEmail) {
            return
        }
        let text = Self.text(key, bytes)
        guard key.range.count <= Self.longestKey,
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw RejectReason(
                .badOwner,
                "the owner \(Self.quoted(key, bytes)) is not a key: 1 to \(Self.longestKey) bytes, no control characters"
            )
        }
        guard !field.key.isEmail || text.contains("@") else {
            throw RejectReason(.badOwner, "the owner \(Self.quoted(key, bytes)) is not an e-mail")
        }
    }

    /// Whether a key has nothing but printable ASCII.
    private static func isPlain(_ key: Span<UInt8>, isEmail: Bool) -> Bool {
        var hasAt = !isEmail
        for index in key.indices {
            guard (0x20..<0x7F).contains(key[index]) else { return false }
            if key[index] == UInt8(ascii: "@") { hasAt = true }
        }
        return hasAt
    }

    @inline(__always)
    private func checkOwner(_ owner: ByteRange, _ bytes: Span<UInt8>) throws(RejectReason) {
        guard IdentifierBytes.isOwner(bytes.extracting(owner.range)) else {
            try checkForm(owner, "owner", .badOwner, bytes)
            throw RejectReason(
                .badOwner,
                "the owner \(Self.quoted(owner, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) bytes, no spaces or "
                    + "control characters")
        }
    }

    @inline(__always)
    private func checkCart(_ cart: ByteRange, _ bytes: Span<UInt8>) throws(RejectReason) {
        guard !cart.isEmpty else { throw RejectReason(.missingCart, "the cart is missing") }
        if encodesCarts { return }
        guard IdentifierBytes.isCart(bytes.extracting(cart.range)) else {
            try checkForm(cart, "cart", .badCart, bytes)
            throw Self.badCart(cart, bytes)
        }
    }

    /// Why a cart's id is invalid.
    static func badCart(_ cart: ByteRange, _ bytes: Span<UInt8>) -> RejectReason {
        RejectReason(
            .badCart,
            "the cart \(Self.quoted(cart, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) of the characters A-Z a-z 0-9 _ -"
        )
    }

    /// Throws if a spreadsheet or a word processor has made another value of an identifier.
    private func checkForm(
        _ field: ByteRange, _ name: String, _ code: RejectReason.Code, _ bytes: Span<UInt8>
    ) throws(RejectReason) {
        let value = bytes.extracting(field.range)
        if IdentifierText.isDestroyed(value) {
            throw RejectReason(
                code,
                "the \(name) \(Self.quoted(field, bytes)) is no id: a spreadsheet has destroyed it; export it again with this "
                    + "column as text")
        }
        guard let found = IdentifierText.lookAlike(in: value) else { return }
        throw RejectReason(
            code,
            "the \(name) \(Self.quoted(field, bytes)) has the character \(found.scalar.number), which only looks like a "
                + (found.isHyphen ? "hyphen" : "digit"))
    }

    private func action(_ fields: RecordFields, _ bytes: Span<UInt8>) throws(RejectReason) -> ChangeKind {
        guard !fields.action.isEmpty else { throw RejectReason(.missingAction, "the action is missing") }
        if let action = words.kind(bytes.extracting(fields.action.range)) { return action }
        throw RejectReason(
            .unknownAction, "unknown action \(Self.quoted(fields.action, bytes)): \(words.advice)")
    }

    /// Who owns the cart: the kind, the id or the key, and what kind of key it is.
    @inline(__always)
    private func owner(
        _ fields: RecordFields, _ bytes: Span<UInt8>
    ) throws(RejectReason) -> (OwnerKind, ByteRange, OwnerKeyField?) {
        guard let field = fields.keyField, !isCrosswalk else {
            guard let ids = owners.ids else { return (.customer, ByteRange(), nil) }
            let (kind, owner) = try self.id(ids, fields, bytes)
            if case .id = owners.holds, !owners.verifiesIDs { return (kind, owner, nil) }
            if let only = owners.holds.ownerKind, only != kind {
                throw RejectReason(
                    .contradiction, "the owner is \(kind.withArticle), where keys are those of \(only.rawValue)s")
            }
            return (kind, owner, OwnerKeyField(owners.holds, of: kind))
        }
        let id = [fields.otherKey] + (owners.ids == nil ? [] : [fields.customer, fields.account, fields.owner])
        if let other = id.first(where: { !$0.isEmpty }) {
            throw RejectReason(
                .contradiction,
                "both the owner \(Self.quoted(fields.key, bytes)) and \(Self.quoted(other, bytes)): a record has one owner"
            )
        }
        return (field.owner, fields.key, field)
    }

    @inline(__always)
    private func id(
        _ ids: OwnerFields.Ids, _ fields: RecordFields, _ bytes: Span<UInt8>
    ) throws(RejectReason) -> (OwnerKind, ByteRange) {
        switch ids {
        case .one(let field, let only):
            return (only, field == .customer ? fields.customer : field == .account ? fields.account : fields.owner)
        case .either:
            guard fields.customer.isEmpty || fields.account.isEmpty else {
                throw RejectReason(
                    .contradiction,
                    "both a customer \(Self.quoted(fields.customer, bytes)) and an account \(Self.quoted(fields.account, bytes)): "
                        + "a record has one owner")
            }
            return fields.customer.isEmpty ? (.account, fields.account) : (.customer, fields.customer)
        case .typed(let only):
            guard let kind = OwnerKind(rawValue: Self.text(fields.ownerType, bytes).lowercased()) else {
                throw RejectReason(
                    .unknownOwnerType, "unknown owner type \(Self.quoted(fields.ownerType, bytes)): customer or account"
                )
            }
            if let only, kind != only {
                throw RejectReason(
                    .contradiction, "the owner is \(kind.withArticle), where only \(only.rawValue)s are taken")
            }
            return (kind, fields.owner)
        }
    }

    private static func text(_ field: ByteRange, _ bytes: Span<UInt8>) -> String {
        String(decodingBytesOf: bytes.extracting(field.range))
    }

    /// A value as a sentence quotes it: short, on one line, and with the numbers of characters that cannot be seen.
    private static func quoted(_ field: ByteRange, _ bytes: Span<UInt8>) -> String {
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
    package init(decodingBytesOf bytes: Span<UInt8>) {
        // Unsafe because the buffer may not outlive the span, and it does not outlive the call.
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
