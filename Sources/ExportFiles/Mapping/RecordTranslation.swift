package import CartAssociations

/// Says which owner of the store a key of an export stands for, and which cart the name of one.
package protocol OwnerResolver: Sendable {
    /// Looks a key up.
    ///
    /// - Parameter text: gets the owner's id behind what it has, if the key stands for one owner.
    func resolve(_ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution

    /// Whether carts are looked up too.
    var knowsCarts: Bool { get }

    /// Looks a cart up by what the export calls it.
    ///
    /// - Parameter text: gets the cart's id behind what it has, if the name stands for one cart.
    func resolve(cart name: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution
}

extension OwnerResolver {
    package var knowsCarts: Bool { false }
    package func resolve(cart name: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution { .unknown }
}

/// What an owner's key, or the name of a cart, stands for.
package enum OwnerResolution: Sendable, Equatable {
    case found
    case unknown
    /// For so many.
    case ambiguous(Int)
}

/// Takes keys for ids, blanks replaced, where exports are looked at and no owner is looked up.
package struct KeysAsOwners: OwnerResolver {
    package init() {}

    package func resolve(_ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution {
        let shown = String(decodingBytesOf: key).unicodeScalars.prefix(IdentifierLimit.bytes / 4).map { scalar in
            scalar.properties.isWhitespace || scalar.properties.generalCategory == .format ? "_" : Character(scalar)
        }
        text += String(shown).utf8
        return .found
    }
}

/// Puts ids of the store in the place of owners' keys and of the export's carts, and counts the records that lose by it.
struct RecordTranslation: Sendable {
    private let owners: (any OwnerResolver)?
    private let carts: CartNames?
    /// How many records each reason has rejected.
    private(set) var rejected: [RejectReason.Code: Int] = [:]
    private var unusable = 0

    /// Nil if all ids are in the export as they are.
    init?(_ owners: (any OwnerResolver)?, _ carts: CartNames) {
        guard owners != nil || carts.areOther else { return nil }
        self.owners = owners
        self.carts = carts.areOther ? carts : nil
    }

    /// The same records with ids; those whose key stands for no owner, or for several, are rejected.
    mutating func translate(_ batch: RecordBatch) -> RecordBatch {
        guard concerns(batch) else { return batch }
        var ids: [UInt8] = []
        var records = batch.records
        var rejected: [RejectedRecord] = []
        let text = batch.text.span
        for index in records.indices {
            records[index].ordinal -= unusable
            if case .rejected(let position) = records[index].origin {
                records[index].origin = .rejected(Int32(truncatingIfNeeded: rejected.count))
                rejected.append(batch.rejected[Int(position)])
                continue
            }
            guard let statement = records[index].statement else { continue }
            do throws(RejectReason) {
                records[index].statement = try translate(statement, record: records[index].number, text, &ids)
            } catch {
                unusable += 1
                self.rejected[error.code, default: 0] += 1
                let record = batch.decoder.rejected(records[index], error, of: batch)
                records[index].statement = nil
                records[index].origin = .rejected(Int32(truncatingIfNeeded: rejected.count))
                rejected.append(record)
            }
        }
        return batch.with(records, rejected: rejected, textBehind: ids)
    }

    /// Whether any record of a batch has a key or another cart, or comes behind one that was rejected. Most exports have
    /// neither, and their batches are not copied.
    private func concerns(_ batch: RecordBatch) -> Bool {
        unusable > 0 || carts != nil || owners?.knowsCarts == true
            || batch.records.contains { $0.statement?.keyField != nil }
    }

    private func translate(
        _ statement: Statement, record: Int, _ text: Span<UInt8>, _ ids: inout [UInt8]
    ) throws(RejectReason) -> Statement {
        var statement = statement
        if let owners, let field = statement.keyField {
            let start = text.count + ids.count
            let resolution = owners.resolve(field, text.extracting(statement.key.range), into: &ids)
            if let reason = RejectReason(resolution, field, record: record) { throw reason }
            statement.owner = ByteRange(start..<text.count + ids.count)
            statement.keyField = nil
        }
        if let cart = try cart(statement.cart, record: record, text, &ids) { statement.cart = cart }
        return statement
    }

    /// Where a cart's id is, behind the text; nil if it is what the export has.
    private func cart(
        _ name: ByteRange, record: Int, _ text: Span<UInt8>, _ ids: inout [UInt8]
    ) throws(RejectReason) -> ByteRange? {
        let start = ids.count
        if let owners, owners.knowsCarts {
            switch owners.resolve(cart: text.extracting(name.range), into: &ids) {
            case .found: return ByteRange(text.count + start..<text.count + ids.count)
            case .ambiguous(let count):
                throw RejectReason(.ambiguousCart, "the crosswalk has \(count) ids for the cart of record \(record)")
            case .unknown:
                // Any name was taken for it might have been there.
                if carts?.unsafe != .encode, !IdentifierBytes.isCart(text.extracting(name.range)) {
                    throw RecordJudge.badCart(name, text)
                }
            }
        }
        guard let carts else { return nil }
        carts.append(text.extracting(name.range), to: &ids)
        guard ids.count - start <= IdentifierLimit.bytes else {
            ids.removeLast(ids.count - start)
            throw RejectReason(.badCart, "the cart's id would have more than \(IdentifierLimit.bytes) characters")
        }
        return ByteRange(text.count + start..<text.count + ids.count)
    }
}

extension RejectReason {
    /// Nil if the key stands for one owner.
    fileprivate init?(_ resolution: OwnerResolution, _ field: OwnerKeyField, record: Int) {
        let whole = field.key == .memberEmail ? "account member" : field.owner.rawValue
        let key = field.key.words
        switch resolution {
        case .found: return nil
        case .unknown: self.init(.unknownOwner, "no \(whole) of the store has the \(key) of record \(record)")
        case .ambiguous(let count):
            self.init(
                .ambiguousOwner,
                field.key == .memberEmail
                    ? "the account member with the e-mail of record \(record) belongs to \(count) accounts"
                    : "\(count) \(whole)s have the \(key) of record \(record)")
        }
    }
}

extension OwnerKeyKind {
    /// The key as a sentence names it.
    fileprivate var words: String {
        switch self {
        case .id: "id"
        case .email, .memberEmail: "e-mail"
        case .externalRef: "external reference"
        case .registrationID: "registration id"
        }
    }
}
