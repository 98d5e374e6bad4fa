import CartAssociations

/// How the end of a run is shown: in green, amber or red.
enum Tone: String {
    case good, warning, bad
}

extension ExitStatus {
    var tone: Tone {
        switch self {
        case .done, .changesFound: .good
        case .incomplete, .refused, .objectiveCrossed, .stoppedEarly: .warning
        case .usage, .exportRefused, .exportUnreadable, .unavailable, .bug, .stateUnwritable, .credentialsRefused,
            .badSettings:
            .bad
        }
    }
}
