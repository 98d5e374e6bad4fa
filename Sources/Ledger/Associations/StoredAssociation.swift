package import CartAssociations
package import Foundation

extension Ledger {
    /// How the ledger came to know that an association exists in the store.
    package enum Confirmation: Int, Sendable, Hashable, CaseIterable, Codable {
        /// A create of ours was answered with 200.
        case created = 1
        /// A create of ours was answered with 204: it was there already.
        case alreadyThere = 2
        /// It was seen in a listing of the store.
        case listed = 3
    }
}

extension Ledger.Confirmation {
    /// As files and reports say it.
    package var words: String {
        switch self {
        case .created: "created"
        case .alreadyThere: "already there"
        case .listed: "listed"
        }
    }
}

/// What a comparison needs to know about one association of the ledger.
package struct Standing: Sendable, Hashable {
    package let fingerprint: Fingerprint
    package let ownerKind: OwnerKind
    /// Nil if it is asserted and was never seen to exist.
    let confirmation: Ledger.Confirmation?
    /// Whether the source that the scan was asked about asserts it.
    package let isAsserted: Bool
    /// Whether any other source asserts it.
    package let isAssertedByOthers: Bool

    /// Whether it exists in the store, as far as the ledger knows.
    package var exists: Bool { confirmation != nil }
    /// Whether it existed before an export first named it: no create of ours made it.
    package var isAdopted: Bool { exists && confirmation != .created }
}

/// One association as the ledger holds it.
package struct StoredAssociation: Sendable, Hashable {
    package let association: Association
    package let fingerprint: Fingerprint
    /// The sources whose accepted exports assert it, in order of their names.
    package let sources: [String]
    package let confirmation: Ledger.Confirmation?
    /// When it was last asserted anew or confirmed.
    package let since: Date
    /// The run that last asserted or confirmed it; nil if none did, or if the run is removed.
    package let run: String?
    /// The number of that run, which grows from run to run and is known of a removed run too; nil if no run did.
    package let runNumber: Int64?
    /// The record of that run's export that asserted it.
    package let place: RecordPlace?

    /// Whether it existed before an export first named it: no create of ours made it.
    package var isAdopted: Bool { confirmation != nil && confirmation != .created }
}
