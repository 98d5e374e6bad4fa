import ArgumentParser
import CartAssociations
import Ledger
import SyncEngine

struct ApplyCommand: HandedProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Apply a plan that cartsync plan --out has saved.",
        discussion: """
            A plan is applied once, within 24 hours, to the store and with the state folder that it was made for, and
            only while neither the ledger nor the exports have changed since. It has its own settings of what is
            compared and deleted; rate, concurrency and guards are those of this command.

            EXAMPLE
              cartsync apply night.plan
            """)

    @Argument(help: ArgumentHelp("A saved plan.", valueName: "plan")) var plan: String
    @Flag(help: "Apply without asking, within the guards.") var yes = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var guards: GuardFlags
    @OptionGroup var timing: RunFlags
    @OptionGroup var report: ReportFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(self)
        let typed = invocation.typed
        let saved: SavedPlan
        do {
            saved = try SavedPlan.header(of: plan)
        } catch {
            throw Ending(RunFailure.plan(error))
        }
        let exports = saved.exports.map { ShellWord.quoted($0.path) }.joined(separator: " ")
        let planAgain = "cartsync plan --out \(ShellWord.quoted(plan)) \(exports)"
        return try await OneSession.run(invocation, files: [plan] + saved.exports.map(\.path)) {
            $0.planGuard.allowEmpty = guards.allowEmpty
        } _: { session in
            do {
                return try await ApprovedRun(
                    command: typed, output: output.output, approval: yes ? .given : .asked, recordsRefusal: false,
                    commandAfterwards: planAgain
                ).run(session.newRun(command: "apply"), session) { try await $0.plan(saved: plan) }
            } catch RunFailure.plan(let error) {
                return Ending(RunFailure.plan(error), again: planAgain)
            }
        }
    }
}
