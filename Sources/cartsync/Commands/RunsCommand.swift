import ArgumentParser

/// The runs that the ledger knows, and what can be done with one of them.
struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "List runs; show, resume, undo or approve one.",
        discussion: """
            EXAMPLE
              cartsync runs
              cartsync runs show 20261121-101500-4f2a
              cartsync runs resume 20261121-101500-4f2a
              cartsync runs undo --yes 20261121-101500-4f2a
              cartsync runs approve 20261121-101500-4f2a
            """,
        subcommands: [
            ListRunsCommand.self, ShowRunCommand.self, ResumeRunCommand.self, UndoRunCommand.self,
            ApproveRunCommand.self,
        ],
        defaultSubcommand: ListRunsCommand.self)
}

/// The argument that names a run.
struct RunArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Id of the run, or its last part, or latest; cartsync runs lists them.", valueName: "run"))
    var run: String
}
