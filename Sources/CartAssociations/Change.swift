/// What a change does to its association.
package enum ChangeKind: String, Sendable, Hashable, CaseIterable, Codable {
    case create
    case delete
}

/// Where a record stands in the exports of a run.
package struct RecordPlace: Sendable, Hashable, Codable {
    /// The export's position on the command line, from 0.
    package let export: Int
    /// The record's number in its export, from 1, the header not counted.
    package let record: Int
    /// The line of the file on which the record begins, from 1.
    package let line: Int

    package init(export: Int, record: Int, line: Int) {
        self.export = export
        self.record = record
        self.line = line
    }
}

/// What a missing cart is created with.
package struct NewCart: Sendable, Hashable, Codable {
    /// 1 to 255 characters, not only spaces (Elastic Path, carts, create a cart).
    package let name: String
    package let description: String?

    package static let mostCharacters = 255

    /// Nil if the store would refuse the name or the description, or they have control characters that no text has:
    /// those are what is left of characters that were read in the wrong encoding.
    package init?(name: String, description: String?) {
        let isLegible = (name + (description ?? "")).unicodeScalars.allSatisfy { !(0x80...0x9F).contains($0.value) }
        guard isLegible else { return nil }
        let isBlank = name.allSatisfy(\.isWhitespace)
        guard !isBlank, name.unicodeScalars.count <= Self.mostCharacters,
            (description ?? "").unicodeScalars.count <= Self.mostCharacters
        else { return nil }
        self.name = name
        self.description = description
    }
}

/// One create or delete of one association, as a plan holds it.
package struct Change: Sendable, Hashable, Codable {
    package let kind: ChangeKind
    package let association: Association
    /// The record that asked for it; nil for a delete that follows from an absence.
    package let place: RecordPlace?
    /// What a missing cart is created with before a create; nil if it need not be created.
    package let newCart: NewCart?
    /// Why the change is not made although the plan names it; nil if it is to be made.
    package let withheld: String?

    package init(
        _ kind: ChangeKind, _ association: Association, place: RecordPlace? = nil, newCart: NewCart? = nil,
        withheld: String? = nil
    ) {
        self.withheld = withheld
        self.kind = kind
        self.association = association
        self.place = place
        self.newCart = newCart
    }
}

/// How a change ended.
package enum Outcome: String, Sendable, Hashable, CaseIterable, Codable {
    case created
    case alreadyThere = "already there"
    case deleted
    case alreadyGone = "already gone"
    /// The store refused this one change for good.
    case rejected
    /// Tried until the retries were spent.
    case failed
    /// Not tried, because a create of the same cart failed.
    case skipped
    /// Not tried, because the export or its identifiers leave in doubt whether it is wanted; no part of what is to do.
    case withheld

    /// Whether the store now is as the change wanted it.
    package var isSuccess: Bool {
        switch self {
        case .created, .alreadyThere, .deleted, .alreadyGone: true
        case .rejected, .failed, .skipped, .withheld: false
        }
    }

    /// Whether the change made a difference in the store.
    package var changedTheStore: Bool { self == .created || self == .deleted }
}
