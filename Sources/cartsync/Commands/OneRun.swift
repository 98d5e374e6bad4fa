import CartAssociations
import SyncEngine

/// One run of a command with exports: plan, show, ask, apply, report.
struct OneRun {
    let command: String
    let exports: [String]
    let flags: [[String: String]]
    let config: String?
    let output: OutputFormat
    let allowEmpty: Bool
    let approval: ApprovedRun.Approval
    /// The source if the settings name none; nil for the one of all runs.
    var usualSource: String?

    func run() async throws {
        let typed = TypedCommand(name: command)
        let isRun = if case .never = approval { false } else { true }
        var usual = Settings()
        if let usualSource { usual.source = usualSource }
        try await OneSession.run(flags, config: config, again: typed.again(), isRun: isRun, usual: usual) { settings in
            settings.planGuard.allowEmpty = allowEmpty
        } _: { session in
            var only: PlanOnly?
            if case .never(let plan) = approval { only = plan }
            let planner = session.newRun(command: command, exports: exports) {
                $0.listsUnmanaged = only?.unmanaged != nil
            }
            return try await ApprovedRun(command: typed, output: output, approval: approval).run(planner, session) {
                try await $0.plan(keepingRejects: only == nil)
            }
        }
    }
}
