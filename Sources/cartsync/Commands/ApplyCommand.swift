import ArgumentParser
import CartAssociations
import Ledger
import SyncEngine
import SyncReporting

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
        let planAgain = typed.planning(saved, to: plan)
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

extension TypedCommand {
    /// The command that makes a saved plan anew: with the flags that it was made with, and those that were typed.
    fileprivate func planning(_ saved: SavedPlan, to path: String) -> String {
        let taken = Self.flags(of: ["plan"])
        let typed = Set(words.map { $0.prefix { $0 != "=" } }.map(String.init))
        let flags = saved.settings.flatMap { used -> [String] in
            guard let flag = used.flag, let argument = taken[flag], !typed.contains(flag) else { return [] }
            if argument.kind == "flag" { return [flag] }
            // The column of a field is the value of a setting for each field.
            return [flag, flag == "--map" ? "\(used.name.dropFirst("mapping.".count))=\(used.value)" : used.value]
        }
        return another("plan", flags + ["--out", path] + saved.exports.map(\.path))
    }
}
