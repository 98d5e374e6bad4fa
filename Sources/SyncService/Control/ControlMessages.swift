package import CallPacing
package import Foundation

/// The words between a service and the processes that stand beside it, over a socket in the state folder.
enum Control {
    /// The name of the socket in the state folder.
    static let name = "service.sock"
    /// Grows with every change of the messages: both ends must have the same.
    static let version = 2
}

/// The first message of both ends, whose form never changes.
struct ControlGreeting: Codable, Sendable {
    var version = Control.version
    /// The version of the program, for a person.
    let program: String
}

/// What a process asks of the service.
package enum ClientMessage: Codable, Sendable {
    /// To do a command; only once.
    case command(CommandRequest)
    /// To stop the command: it finishes the calls in flight.
    case stop
    /// The answer to a question.
    case answer(Bool)
    /// The answer to `open`: a descriptor comes with it if the system's error number is 0.
    case file(code: Int32)
    /// A call would go to the store, with a number of the process's own choice.
    case admit(Int)
    /// How a call went that was admitted; nil if it was not made.
    case complete(Int, PacedCall?)
}

/// What the service says to a process.
package enum ServiceMessage: Codable, Sendable {
    /// For standard output.
    case output(Data)
    /// For standard error.
    case message(String)
    /// The line at the bottom of the terminal; empty to remove it.
    case progress(String)
    /// To be answered with yes or no.
    case question(String)
    /// To open a file for reading, `-` being standard input.
    case open(String, followingLinks: Bool)
    /// A run begins to change the store.
    case applying(run: String)
    /// The command stops, when so many calls are answered.
    case stopping(callsInFlight: Int)
    /// How the command ended; the last message.
    case end(CommandEnd)
    /// The call of this number may go, and is let go at an instant.
    case admitted(Int, at: ContinuousClock.Instant)
    /// Why nothing is done, as a sentence.
    case refused(String)
}

/// A command that a service is asked to do.
package struct CommandRequest: Codable, Sendable {
    /// A setting with its value and where it was found.
    package struct Given: Codable, Sendable {
        package var name: String
        package var value: String
        package var origin: String

        package init(name: String, value: String, origin: String) {
            self.name = name
            self.value = value
            self.origin = origin
        }
    }

    /// Where the person sits.
    package struct Console: Codable, Sendable {
        package var errorIsTerminal: Bool
        package var outputIsTerminal: Bool
        package var outputHasColor: Bool
        package var canAsk: Bool
        package var width: Int

        package init(
            errorIsTerminal: Bool, outputIsTerminal: Bool, outputHasColor: Bool, canAsk: Bool, width: Int
        ) {
            self.errorIsTerminal = errorIsTerminal
            self.outputIsTerminal = outputIsTerminal
            self.outputHasColor = outputHasColor
            self.canAsk = canAsk
            self.width = width
        }
    }

    /// The words after the program's name.
    package var words: [String]
    /// The settings that were found, secrets and those of the store apart.
    package var settings: [Given]
    package var terminal: Console
    package var process: Int32

    /// The name of the command, for instance `sync` or `runs resume`.
    package var name: String {
        let isGroup = ["runs", "ledger"].contains(words.first ?? "")
        return words.prefix(isGroup ? 2 : 1).joined(separator: " ")
    }

    package init(words: [String], settings: [Given], terminal: Console, process: Int32) {
        self.words = words
        self.settings = settings
        self.terminal = terminal
        self.process = process
    }
}

/// How a command ended: its exit status and what is said of it.
package struct CommandEnd: Codable, Sendable {
    package var status: Int32
    package var details: String
    package var summary: String
    package var next: String?

    package init(status: Int32, details: String, summary: String, next: String?) {
        self.status = status
        self.details = details
        self.summary = summary
        self.next = next
    }
}
