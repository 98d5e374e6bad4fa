/// How the program ends, as scripts and schedulers read it.
///
/// 64 and up are the numbers of BSD's sysexits.
enum ExitStatus: Int32, Sendable {
    case done = 0
    case incomplete = 1
    case changesFound = 2
    case refused = 3
    case usage = 64
    case exportRefused = 65
    case exportUnreadable = 66
    case unavailable = 69
    case bug = 70
    case stateUnwritable = 74
    case stoppedEarly = 75
    case credentialsRefused = 77
    case badSettings = 78

    var words: String {
        switch self {
        case .done: "done"
        case .incomplete: "finished, but not everything was applied"
        case .changesFound: "there are changes"
        case .refused: "refused, nothing was written"
        case .usage: "the command line is wrong"
        case .exportRefused: "the export is refused, nothing was written"
        case .exportUnreadable: "the export cannot be read, nothing was written"
        case .unavailable: "the API is unavailable"
        case .bug: "a bug in cartsync"
        case .stateUnwritable: "the state folder or a report cannot be written"
        case .stoppedEarly: "stopped early"
        case .credentialsRefused: "the credentials are refused"
        case .badSettings: "the settings are wrong"
        }
    }
}

/// The end of a command: its exit status, what to say of it, and what to type next.
struct Ending: Error, Sendable {
    let status: ExitStatus
    /// What happened, in as many lines as it takes; printed before the last line.
    var details: String = ""
    /// What was done, for the last line.
    var summary: String = ""
    /// The next command to type, for the last line.
    var next: String?

    /// The last line of standard error.
    var lastLine: String {
        var line = "cartsync: \(status.words)"
        if !summary.isEmpty { line += ": \(summary)" }
        line += " (exit status \(status.rawValue))"
        if let next { line += "; next: \(next)" }
        return line
    }
}
