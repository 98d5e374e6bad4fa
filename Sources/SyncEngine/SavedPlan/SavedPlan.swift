import CartAssociations
import Foundation
package import Ledger
package import SyncReporting

/// A plan in a file, to be looked at and applied later: what its first line says.
///
/// The file is JSON Lines: this header, one line for each change and each note to the ledger, and a last line with
/// their number and a seal over all bytes before it. The key of the seal is the ledger's: only the ledger
/// that made a plan takes it, and only as it was made.
package struct SavedPlan: Codable, Sendable {
    /// Raised when a reader of older files would misunderstand newer ones.
    static let currentFormat = 1
    /// A day; what exists moves on.
    static let lifetime: TimeInterval = 24 * 3600

    /// Marks the file as a plan of ours, with the version of its format.
    let cartsyncPlan: Int
    /// The id that the plan was made under; it is applied once.
    let id: String
    let made: Date
    let expires: Date
    let store: StoreIdentity
    /// The ledger's own id, and its revision when the plan was made.
    let ledger: String
    let revision: Int64
    let view: PlanView
    let figures: PlanFigures
    /// The exports with absolute paths.
    package let exports: [RunRecord.Export]
    let isDelta: Bool
    let rejected: RunReport.RejectedRecords
    /// The number of deletes that a person allowed for this plan.
    let approvedDeletes: Int?
    let allowEmpty: Bool
    /// The settings that the plan was made with, secrets redacted.
    package let settings: [RunReport.SettingUsed]

    /// Reads the first line of a file.
    ///
    /// Throws `SavedPlanError` if it cannot be read or is not a plan.
    package static func header(of path: String) throws(SavedPlanError) -> SavedPlan {
        try SavedPlanReader(path).header
    }
}

/// One change, or one note to the ledger, in the file of a saved plan.
struct SavedPlanLine: Codable {
    enum Kind: String, Codable {
        case create, delete
        /// The source asserts it from now on.
        case assert
        /// The source's assertion no longer holds.
        case retract
        /// A complete listing does not show it.
        case vanished
        /// A complete listing shows it.
        case seen
    }

    let kind: Kind
    let ownerKind: OwnerKind
    let owner: OwnerID
    let cart: CartID
    var place: RecordPlace?
    /// How an asserted association is known to exist.
    var confirmation: Ledger.Confirmation?
    /// What a missing cart is created with.
    var newCart: NewCart?
    /// Why a change is not made.
    var withheld: String?

    init(
        _ kind: Kind, _ association: Association, place: RecordPlace? = nil,
        confirmation: Ledger.Confirmation? = nil, newCart: NewCart? = nil, withheld: String? = nil
    ) {
        self.withheld = withheld
        self.kind = kind
        ownerKind = association.owner.kind
        owner = association.owner.id
        cart = association.cart
        self.place = place
        self.confirmation = confirmation
        self.newCart = newCart
    }

    var association: Association { Association(ownerKind, owner, cart) }
}

/// The last line of the file of a saved plan.
struct SavedPlanEnd: Codable {
    /// Changes and notes before this line.
    let lines: Int
    /// HMAC-SHA256 of all bytes before this line, in lowercase hexadecimal.
    let seal: String
}

/// Why a saved plan is not applied.
package struct SavedPlanError: Error, Sendable, Equatable {
    enum Fault: String, Sendable, CaseIterable {
        /// The file is missing or cannot be read.
        case unreadable
        /// It is not a plan, or cut, or not as it was written.
        case malformed, altered
        /// It was made for another store, or by another ledger.
        case otherStore = "other store", otherLedger = "other ledger"
        /// It was applied before.
        case used
        case expired
        /// The ledger or an export is no longer as it was.
        case stale
    }

    let fault: Fault
    let path: String
    let line: Int?
    /// What is wrong, without a full stop.
    let problem: String
    /// What to do next, without a full stop.
    let advice: String

    init(_ fault: Fault, _ path: String, line: Int? = nil, _ problem: String, advice: String = planAgain) {
        self.fault = fault
        self.path = path
        self.line = line
        self.problem = problem
        self.advice = advice
    }

    private static let planAgain = "make the plan again with cartsync plan --out"
}

extension SavedPlanError: CustomStringConvertible {
    package var description: String { "\(line.map { "\(path):\($0)" } ?? path): \(problem); \(advice)" }
}

extension SavedPlanError {
    /// The exit status of a command that this error ends.
    var exitStatus: ExitStatus {
        switch fault {
        case .unreadable: .usage
        case .otherStore: .badSettings
        case .malformed, .altered, .otherLedger, .used, .expired, .stale: .refused
        }
    }
}
