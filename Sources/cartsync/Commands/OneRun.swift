import CartAssociations
import SyncEngine

/// One run of a command with exports: plan, show, ask, apply, report.
struct OneRun {
    let invocation: Invocation
    let exports: [String]
    let output: OutputFormat
    let allowEmpty: Bool
    var allowedDoubtfulDeletes: Int?
    let approval: ApprovedRun.Approval
    /// The source if the settings do not name it; nil for the default of all runs.
    var usualSource: String?

    func run() async throws -> Ending {
        let typed = invocation.typed
        let isRun = if case .never = approval { false } else { true }
        var usual = Settings()
        if let usualSource { usual.source = usualSource }
        return try await OneSession.run(invocation, isRun: isRun, files: exports, usual: usual) { settings in
            settings.planGuard.allowEmpty = allowEmpty
        } _: { session in
            var only: PlanOnly?
            if case .never(let plan) = approval { only = plan }
            let planner = session.newRun(command: typed.name, exports: exports) {
                $0.listsUnmanaged = only?.unmanaged != nil
                $0.allowedDoubtfulDeletes = allowedDoubtfulDeletes
            }
            return try await ApprovedRun(command: typed, output: output, approval: approval).run(planner, session) {
                try await $0.plan(keepingRejects: only == nil)
            }
        }
    }
}
