/// How the program ends, as scripts and schedulers read it.
///
/// 64 and up are the numbers of BSD's sysexits.
package enum ExitStatus: Int32, Sendable, CaseIterable, Codable {
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
        case .incomplete: "finished with exceptions"
        case .changesFound: "there are changes"
        case .refused: "refused, nothing was written"
        case .objectiveCrossed: "an objective was crossed"
        case .usage: "the command cannot be carried out as it was typed"
        case .exportRefused: "the export is refused, nothing was written"
        case .exportUnreadable: "the export cannot be read, nothing was written"
        case .unavailable: "the API is unavailable"
        case .bug: "a bug in cartsync"
        case .stateUnwritable: "the state folder or a report cannot be used"
        case .stoppedEarly: "not finished"
        case .credentialsRefused: "the credentials are refused"
        case .badSettings: "the settings are wrong"
        }
    }
}
