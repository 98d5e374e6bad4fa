package import CartAssociations

/// Why no further call to the store makes sense.
///
/// What concerns one change only is a `ChangeOutcome` instead.
package struct APIError: Error, Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// The store does not accept the client id and secret, or a token it has just issued.
        case credentialsRefused
        /// The store accepts the credentials, and forbids every call.
        case forbidden
        /// The store cannot be reached, or fails call after call.
        case unavailable
        /// The store answers in a way that no repetition will change, for instance with a redirect.
        case refused
        /// A write was about to be sent although only reading is allowed.
        case readOnly
        /// The time is over that a person set for the run.
        case deadline
        /// A person or the system asked to stop, or the task was cancelled.
        case stopped
    }

    package let kind: Kind
    /// What happened, with the store's words, and what to do next.
    package let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

extension APIError: CustomStringConvertible {
    package var description: String { message }
}

extension APIError {
    static let stopped = APIError(.stopped, "stopped before the call was made; run again to go on")
}

extension APIError {
    /// The exit status of a command that this error ends.
    package var exitStatus: ExitStatus {
        switch kind {
        case .credentialsRefused, .forbidden: .credentialsRefused
        case .unavailable, .refused: .unavailable
        case .readOnly: .refused
        case .stopped, .deadline: .stoppedEarly
        }
    }
}
