package import CartAssociations

/// A fault of an export as a whole.
package struct ExportError: Error, Sendable, Equatable {
    /// The stable name of a fault.
    package enum Fault: String, Sendable, Hashable, CaseIterable {
        // The export cannot be read.
        case missing, permission, notAFile = "not-a-file", readFailed = "read-failed"
        // The export is refused.
        case empty, header, encoding, truncated, malformed, doctype, noRecords = "no-records"
        case severalKinds = "several-kinds", webPage = "web-page"
        case gzip, packed, sealed, bomb, tooLarge = "too-large", changed, manifest, incomplete, option
        // Something cannot be written: the copy of standard input, a rejects file.
        case writeFailed = "write-failed"
    }

    /// The stable name.
    let fault: Fault
    /// The path as it was given, or `standard input`.
    let file: String
    /// The line of the file, from 1; nil if the fault is not in one place.
    let line: Int?
    /// The column in characters, from 1; nil if it is not known.
    let column: Int?
    /// What is wrong, without a full stop.
    let problem: String
    /// What to do next, without a full stop.
    let advice: String

    package init(
        _ fault: Fault, file: String, line: Int? = nil, column: Int? = nil, problem: String, advice: String
    ) {
        self.fault = fault
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
        self.advice = advice
    }

    /// Whether the export could not be read at all (exit status 66).
    var isUnreadable: Bool {
        switch fault {
        case .missing, .permission, .notAFile, .readFailed: true
        default: false
        }
    }

    /// Whether the program failed to write (exit status 74); an export that is neither this nor unreadable is
    /// refused (65).
    var isUnwritable: Bool { fault == .writeFailed }
}

extension ExportError: CustomStringConvertible {
    /// `FILE:LINE:COLUMN: what is wrong; what to do next`, as far as line and column are known.
    package var description: String {
        let place = ([file] + [line, line == nil ? nil : column].compactMap { $0.map(String.init) }).joined(
            separator: ":")
        return "\(place): \(problem); \(advice)"
    }
}

extension ExportError {
    /// The exit status of a command that this error ends.
    package var exitStatus: ExitStatus {
        isUnreadable ? .exportUnreadable : isUnwritable ? .stateUnwritable : .exportRefused
    }
}
