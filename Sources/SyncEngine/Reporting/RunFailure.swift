package import CartAssociations
package import CommerceAPI
import DurableFiles
package import ExportFiles
package import Ledger

/// Why a run could not go on.
package enum RunFailure: Error, Sendable {
    case export(ExportError)
    case api(APIError)
    case ledger(LedgerError)
    case plan(SavedPlanError)
    /// A report or a temporary file of the run cannot be written.
    case unwritable(String)
    /// The disk of the state folder has no room for the run; nothing was written to the store.
    case noRoom(String)
    /// The run was asked to stop before its plan was complete; nothing was written to the store.
    case stopped
    /// The store does not show what the first changes made of it.
    case unconfirmed(String)
    /// The run is over, or a later one has taken its place.
    case notResumable(String)
    /// A listing of the store had to show everything and did not, for this reason.
    case incompleteListing(String)
    /// The owners of the exports cannot be found, for this reason.
    case noOwners(String)
    /// Something that should not happen, in words for a bug report.
    case bug(String)
}

extension RunFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .export(let error): error.description
        case .api(let error): error.description
        case .ledger(let error): error.description
        case .plan(let error): error.description
        case .stopped: "stopped before the plan was complete; nothing was written to the store"
        case .incompleteListing(let reason):
            "the listing of the store is not complete, and what it lacks would be taken for gone: \(reason)"
        case .unwritable(let what), .noRoom(let what), .unconfirmed(let what), .notResumable(let what),
            .noOwners(let what), .bug(let what):
            what
        }
    }
}

extension RunFailure {
    /// The failure that an error of a run's parts is.
    package init(_ error: any Error) {
        self =
            switch error {
            case let failure as RunFailure: failure
            case let error as ExportError: .export(error)
            case let error as APIError: .api(error)
            case let error as LedgerError: .ledger(error)
            case let error as SavedPlanError: .plan(error)
            case let error as FileError: .unwritable("\(error)")
            default: .bug("unexpected error: \(error)")
            }
    }
}

extension RunFailure {
    /// The exit status of a command that this error ends.
    package var exitStatus: ExitStatus {
        switch self {
        case .export(let error): error.exitStatus
        case .api(let error): error.exitStatus
        case .ledger(let error): error.exitStatus
        case .plan(let error): error.exitStatus
        case .unwritable, .noRoom: .stateUnwritable
        case .stopped: .stoppedEarly
        case .notResumable, .incompleteListing, .noOwners: .refused
        case .unconfirmed: .unavailable
        case .bug: .bug
        }
    }
}

extension RunFailure {
    /// The failure in words that name no owner: what the store, an export, a plan or the ledger said stays out of them.
    package var wordsForAll: String {
        switch self {
        case .unwritable, .noRoom, .stopped: description
        case .export, .api, .ledger, .plan, .notResumable, .incompleteListing, .unconfirmed, .noOwners, .bug:
            "\(exitStatus.words); the log and 'cartsync runs' say more"
        }
    }
}
