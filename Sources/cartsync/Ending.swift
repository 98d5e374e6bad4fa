import CartAssociations
import SyncEngine

/// The end of a command: its exit status, what to say of it, and what to type next.
struct Ending: Error, Sendable {
    let status: ExitStatus
    /// What the last line begins with; nil for the status in words.
    var words: String?
    /// What happened, in as many lines as it takes; printed before the last line.
    var details: String = ""
    /// What was done, for the last line.
    var summary: String = ""
    /// The next command to type, for the last line.
    var next: String?

    /// The last line of standard error.
    var lastLine: String {
        var line = "cartsync: \(words ?? status.words)"
        if !summary.isEmpty { line += ": \(summary)" }
        line += " (exit status \(status.rawValue))"
        if let next { line += "; next: \(next)" }
        return line
    }
}
