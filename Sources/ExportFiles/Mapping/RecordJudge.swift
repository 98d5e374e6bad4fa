import CartAssociations

/// A run of bytes within the memory that a record is in; empty for a field that is missing.
struct ByteRange: Sendable, Equatable {
    var start: Int32 = 0
    var count: Int32 = 0

    init() {}

    init(_ range: Range<Int>) {
        start = Int32(truncatingIfNeeded: range.lowerBound)
        count = Int32(truncatingIfNeeded: range.count)
    }

    var isEmpty: Bool { count == 0 }
    var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// The fields of one record that decide what it says.
struct RecordFields {
    var cart = ByteRange()
    var customer = ByteRange()
    var account = ByteRange()
    var owner = ByteRange()
    var ownerType = ByteRange()
    var action = ByteRange()
}

/// What one record says, as far as comparing needs it.
struct Statement: Equatable {
    let kind: OwnerKind
    let action: ChangeKind?
    let owner: ByteRange
    let cart: ByteRange
}

/// Decides what a record says, or why it cannot be used; the same for CSV and XML.
struct RecordJudge: Sendable {
    let owners: OwnerFields
    let hasAction: Bool
    /// Whether cells may carry the apostrophe that a rejects file puts before what a spreadsheet would calculate.
    var unguards = false

    enum Verdict {
        case usable(Statement)
        case rejected(RejectReason)
    }

    func judge(_ fields: RecordFields, in bytes: Span<UInt8>) -> Verdict {
        var fields = fields
        if unguards { FormulaGuard.remove(from: &fields, in: bytes) }
        var action: ChangeKind?
        if hasAction {
            guard !fields.action.isEmpty else {
                return .rejected(RejectReason(.missingAction, "the action is missing"))
            }
            action = ActionWords.kind(bytes.extracting(fields.action.range))
            guard action != nil else {
                return .rejected(
                    RejectReason(
                        .unknownAction,
                        "unknown action \(quoted(fields.action, bytes)): create or delete, or a word like them"))
            }
        }
        let kind: OwnerKind
        let owner: ByteRange
        switch owners {
        case .one(let field, let only):
            kind = only
            owner = field == .customer ? fields.customer : field == .account ? fields.account : fields.owner
        case .either:
            guard fields.customer.isEmpty || fields.account.isEmpty else {
                return .rejected(
                    RejectReason(
                        .contradiction,
                        "both a customer \(quoted(fields.customer, bytes)) and an account "
                            + "\(quoted(fields.account, bytes)): a record has one owner"))
            }
            kind = fields.customer.isEmpty ? .account : .customer
            owner = fields.customer.isEmpty ? fields.account : fields.customer
        case .typed(let only):
            switch ownerKind(fields.ownerType, bytes) {
            case .success(let found): kind = found
            case .failure(let reason): return .rejected(reason.reason)
            }
            if let only, kind != only {
                return .rejected(
                    RejectReason(
                        .contradiction, "the owner is a \(kind.rawValue), where only a \(only.rawValue) is taken"))
            }
            owner = fields.owner
        }
        guard !owner.isEmpty else { return .rejected(RejectReason(.missingOwner, "the owner is missing")) }
        guard IdentifierBytes.isOwner(bytes.extracting(owner.range)) else {
            return .rejected(
                RejectReason(
                    .badOwner,
                    "the owner \(quoted(owner, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) bytes, no spaces or "
                        + "control characters"))
        }
        guard !fields.cart.isEmpty else { return .rejected(RejectReason(.missingCart, "the cart is missing")) }
        guard IdentifierBytes.isCart(bytes.extracting(fields.cart.range)) else {
            return .rejected(
                RejectReason(
                    .badCart,
                    "the cart \(quoted(fields.cart, bytes)) is not an id: 1 to \(IdentifierLimit.bytes) of the "
                        + "characters A-Z a-z 0-9 _ -"))
        }
        return .usable(Statement(kind: kind, action: action, owner: owner, cart: fields.cart))
    }

    /// The owner that a record names, as far as there is one.
    func ownerField(_ fields: RecordFields) -> ByteRange {
        switch owners {
        case .one(.customer, _): fields.customer
        case .one(.account, _): fields.account
        case .one, .typed: fields.owner
        case .either: fields.customer.isEmpty ? fields.account : fields.customer
        }
    }

    private struct Failure: Error {
        let reason: RejectReason
    }

    private func ownerKind(_ field: ByteRange, _ bytes: Span<UInt8>) -> Result<OwnerKind, Failure> {
        let word = text(field, bytes)
        if let kind = OwnerKind(rawValue: word.lowercased()) { return .success(kind) }
        return .failure(
            Failure(
                reason: RejectReason(
                    .unknownOwnerType, "unknown owner type \(quoted(field, bytes)): customer or account")))
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
    /// Decodes UTF-8, with replacement characters for what is none.
    init(decodingBytesOf bytes: Span<UInt8>) {
        // Unsafe because the buffer may not outlive the span, and it does not outlive the call.
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
