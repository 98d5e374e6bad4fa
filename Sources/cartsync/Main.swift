import ArgumentParser
import CartAssociations
import Foundation
import SyncEngine

@main
struct Cartsync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cartsync",
        abstract: "Keeps Elastic Path cart associations in step with CSV and XML exports.",
        discussion: """
            EXAMPLE
              cartsync demo
              cartsync check customers.csv
              cartsync sync customers.csv accounts.xml
            """,
        version: Version.text,
        subcommands: [
            SyncCommand.self, ImportCommand.self, PlanCommand.self, ApplyCommand.self, CheckCommand.self,
            ReportCommand.self, ServeCommand.self, RunsCommand.self, ExplainCommand.self, OwnersCommand.self,
            LedgerCommand.self, ForgetCommand.self, DoctorCommand.self, HealthCommand.self, NotifyCommand.self,
            SandboxCommand.self, DemoCommand.self, DocumentsCommand.self,
        ])

    static func main() async {
        Memory.hide()
        Memory.giveBackBlocks()
        Signals.ignoreWriteSignals()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let ending as Ending {
            end(ending)
        } catch {
            // Help and the version are no errors.
            if exitCode(for: error) == .success {
                Terminal.output(fullMessage(for: error))
                if Terminal.hasLostOutput { end(Ending(status: .done)) }
                Foundation.exit(ExitStatus.done.rawValue)
            }
            end(usageEnding(fullMessage(for: error)))
        }
    }

    /// The end of a command line that cannot be parsed: what is wrong, and the command that may be meant.
    private static func usageEnding(_ message: String) -> Ending {
        // The parser's message names the help of the command that it belongs to.
        let help = message.firstMatch(of: /See '([^']+)'/).map { String($0.1) } ?? "cartsync --help"
        guard let (unknown, meant) = unknownCommand(Array(CommandLine.arguments.dropFirst())) else {
            return Ending(status: .usage, details: message, next: help)
        }
        return Ending(
            status: .usage, details: "cartsync: there is no command '\(unknown)'",
            next: meant ?? help)
    }

    /// The word that stands in the place of a command and is not one, and the command that may be meant; nil if every word is
    /// a command.
    static func unknownCommand(_ arguments: [String]) -> (unknown: String, meant: String?)? {
        var command: any ParsableCommand.Type = Cartsync.self
        var path = "cartsync"
        for word in arguments {
            let known = command.configuration.subcommands
            guard !known.isEmpty, !word.hasPrefix("-") else { return nil }
            if let next = known.first(where: { $0._commandName == word }) {
                command = next
                path += " " + word
                continue
            }
            // A command with a usual subcommand takes its arguments too.
            let nearest = known.filter { $0.configuration.shouldDisplay }
                .map { ($0._commandName, EditDistance.between($0._commandName, word)) }.min {
                    ($0.1, $0.0) < ($1.1, $1.0)
                }
            let meant = nearest.flatMap { $0.1 <= 2 ? "\(path) \($0.0)" : nil }
            guard meant != nil || command.configuration.defaultSubcommand == nil else { return nil }
            return (word, meant)
        }
        return nil
    }

    /// Prints how it ended and leaves with its exit status.
    static func end(_ ending: Ending) -> Never {
        var ending = ending
        if Terminal.hasLostOutput && ending.status == .done {
            let what = ending.summary.isEmpty ? "" : ": " + ending.summary
            ending = Ending(
                status: .stateUnwritable,
                details: "cartsync: the result could not be written to standard output" + what,
                summary: "the disk may be full")
        }
        if !ending.details.isEmpty { Terminal.message(ending.details) }
        Terminal.message(ending.lastLine)
        Foundation.exit(ending.status.rawValue)
    }
}
