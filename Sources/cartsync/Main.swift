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
            ReportCommand.self, ServeCommand.self, RunsCommand.self, ExplainCommand.self, LedgerCommand.self,
            DoctorCommand.self, HealthCommand.self, SandboxCommand.self, DemoCommand.self, DocumentsCommand.self,
        ])

    static func main() async {
        Memory.hide()
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
            if exitCode(for: error) == .success { exit(withError: error) }
            end(Ending(status: .usage, details: fullMessage(for: error), next: "cartsync --help"))
        }
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
