import Logging

extension Logger.MetadataValue {
    /// A name from outside: control characters are escaped, so that one event stays one line.
    static func quoted(_ text: String) -> Logger.MetadataValue {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(1000) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: shown += scalar.escaped(asASCII: true)
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return .string(shown)
    }
}

/// The run that the current task works for.
package enum LoggedRun {
    /// Its id, which the program's log writes on every line; nil if there is no run.
    @TaskLocal package static var id: String?
}
