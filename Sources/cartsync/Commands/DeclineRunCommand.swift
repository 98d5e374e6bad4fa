import ArgumentParser
import CartAssociations
import Foundation
import SyncEngine

struct DeclineRunCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "decline",
        abstract: "Let a run that waits for a person go no further: its export is put aside, and its job goes on.",
        discussion: """
            The service moves the export from waiting/ to superseded/ at its next poll (or when it is started), and takes \
            the next one. Nothing is changed in the store; what a stopped run has changed stays. The export can be put \
            into the inbox again.

            EXAMPLE
              cartsync runs decline 20261121-101500-4f2a
            """)

    @Argument(help: .run("of those that wait")) var run: String
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(self)
        let loaded = try invocation.load()
        let runs = WaitingRuns(stateFolder: loaded.settings.stateFolder)
        if let ending = try await HandOver.toService(loaded) { return ending }
        do {
            let decline = Decline(of: try runs.find(run), by: .command, given: Date())
            try runs.add(decline)
            if output.output == .json { Terminal.output(JSONOutput.of(decline)) }
            return Ending(status: .done, summary: decline.sentence)
        } catch let refused as ApprovalRefused {
            return Ending(
                status: .usage, details: "cartsync: \(refused)", summary: "nothing is declined",
                next: "\(invocation.typed.another("runs approve")), to see what waits")
        } catch {
            return Ending(
                status: .stateUnwritable, details: "cartsync: the decision cannot be written: \(error)",
                next: "make sure that the state folder is writable, then \(invocation.typed.again())")
        }
    }
}
