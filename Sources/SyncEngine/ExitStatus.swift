import CommerceAPI
import ExportFiles
import Ledger

/// How the program ends, as scripts and schedulers read it.
///
/// 64 and up are the numbers of BSD's sysexits.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case done = 0
    case incomplete = 1
    case changesFound = 2
    case refused = 3
    case objectiveCrossed = 8
    case usage = 64
    case exportRefused = 65
    case exportUnreadable = 66
    case unavailable = 69
    case bug = 70
    case stateUnwritable = 74
    case stoppedEarly = 75
    case credentialsRefused = 77
    case badSettings = 78

    /// The status in words, for the last line that the program prints.
    package var words: String {
        switch self {
        case .done: "done"
        case .incomplete: "finished, but not all of it succeeded"
        case .changesFound: "there are changes"
        case .refused: "refused, nothing was written"
        case .objectiveCrossed: "an objective was crossed"
        case .usage: "the command line is wrong"
        case .exportRefused: "the export is refused, nothing was written"
        case .exportUnreadable: "the export cannot be read, nothing was written"
        case .unavailable: "the API is unavailable"
        case .bug: "a bug in cartsync"
        case .stateUnwritable: "the state folder or a report cannot be used"
        case .stoppedEarly: "stopped early"
        case .credentialsRefused: "the credentials are refused"
        case .badSettings: "the settings are wrong"
        }
    }
}

extension ExportError {
    package var exitStatus: ExitStatus {
        isUnreadable ? .exportUnreadable : isUnwritable ? .stateUnwritable : .exportRefused
    }
}

extension LedgerError {
    package var exitStatus: ExitStatus {
        switch kind {
        case .locked: .stoppedEarly
        case .otherStore: .badSettings
        case .absent: .usage
        case .damaged, .missing, .newer, .storage: .stateUnwritable
        }
    }
}

extension APIError {
    package var exitStatus: ExitStatus {
        switch kind {
        case .credentialsRefused, .forbidden: .credentialsRefused
        case .unavailable, .refused: .unavailable
        case .readOnly: .refused
        case .stopped, .deadline: .stoppedEarly
        }
    }
}

extension SavedPlanError {
    package var exitStatus: ExitStatus {
        switch fault {
        case .unreadable: .usage
        case .otherStore: .badSettings
        case .malformed, .altered, .otherLedger, .used, .expired, .stale: .refused
        }
    }
}

extension RunFailure {
    package var exitStatus: ExitStatus {
        switch self {
        case .export(let error): error.exitStatus
        case .api(let error): error.exitStatus
        case .ledger(let error): error.exitStatus
        case .plan(let error): error.exitStatus
        case .unwritable: .stateUnwritable
        case .stopped: .stoppedEarly
        case .notResumable, .incompleteListing: .refused
        case .unconfirmed: .unavailable
        case .bug: .bug
        }
    }
}
