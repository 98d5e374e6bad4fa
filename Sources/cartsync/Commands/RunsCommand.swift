import ArgumentParser

/// The runs that the ledger knows, and what can be done with one of them.
struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "List runs; show, resume, undo, approve or decline one.",
        discussion: """
            EXAMPLE
              cartsync runs
              cartsync runs show 20261121-101500-4f2a
              cartsync runs resume 20261121-101500-4f2a
              cartsync runs undo --yes 20261121-101500-4f2a
              cartsync runs approve 20261121-101500-4f2a
              cartsync runs decline 20261121-101500-4f2a
            """,
        subcommands: [
            ListRunsCommand.self, ShowRunCommand.self, ResumeRunCommand.self, UndoRunCommand.self,
            ApproveRunCommand.self, DeclineRunCommand.self,
        ],
        defaultSubcommand: ListRunsCommand.self)
}

/// The argument that names a run.
struct RunArgument: ParsableArguments {
    @Argument(help: .run("cartsync runs lists them")) var run: String
}

extension ArgumentHelp {
    /// How a run is named, the same for every command.
    static func run(_ more: String) -> ArgumentHelp {
        ArgumentHelp(
            "The run: its id, the last part or the start of it, latest or previous; \(more).", valueName: "run")
    }
}
