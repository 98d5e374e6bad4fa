import CartAssociations
import Foundation
import Ledger
import SyncEngine
import SyncReporting

/// One run of a command: plan, show, ask, apply, report.
struct OneRun {
    enum Approval {
        case given
        /// On a terminal a person is asked; elsewhere the run stops before its first write.
        case asked
        /// The run ends with its plan.
        case never(PlanOnly)
    }

    /// What becomes of a plan that is not applied.
    struct PlanOnly {
        let format: PlanFormat
        /// Where it is saved.
        let out: String?
        /// Where the associations outside the scope are listed.
        let unmanaged: String?
        /// Whether the exit status tells that there are changes.
        let hasDetailedStatus: Bool
    }

    /// What the run works on.
    enum Input {
        case exports([String])
        /// A plan's file, and its first line.
        case saved(String, SavedPlan)

        var exports: [String] {
            switch self {
            case .exports(let paths): paths
            case .saved(_, let plan): plan.exports.map(\.path)
            }
        }
    }

    let command: String
    let input: Input
    let flags: [[String: String?]]
    let config: String?
    let output: OutputFormat
    let allowEmpty: Bool
    let approval: Approval
    /// The source where none is set.
    var usualSource = "default"

    func run() async throws {
        var loaded = try await Invocation.load(flags, config: config) { settings in
            settings.planGuard.allowEmpty = allowEmpty
            settings.source = settings.source ?? usualSource
        }
        if case .saved(_, let plan) = input { loaded.take(plan) }
        let session = try Session.open(loaded)
        let signals = Signals { [stop = session.stop, again] in
            if Terminal.isAsking {
                Terminal.message("")
                Cartsync.end(Ending(status: .stoppedEarly, summary: "nothing was written", next: again))
            }
            stop.request()
        }
        defer { withExtendedLifetime(signals) {} }
        let ending: Ending
        do {
            ending = try await plannedAndApplied(session)
        } catch let failure as RunFailure {
            ending = Ending(failure, again: failure.isSpentPlan ? planAgain : again)
        }
        await session.close()
        throw ending
    }

    private func plannedAndApplied(_ session: Session) async throws -> Ending {
        var listsUnmanaged = false
        if case .never(let only) = approval { listsUnmanaged = only.unmanaged != nil }
        let run = session.run(
            command: command, exports: input.exports, missingFinalNewline: .makesNoDeletes,
            listingUnmanaged: listsUnmanaged)
        let plan = try await Progress.shown(run, session) {
            switch input {
            case .exports:
                if case .never = approval { return try await run.plan(keepingRejects: false) }
                return try await run.plan(keepingRejects: true)
            case .saved(let path, _): return try run.load(path)
            }
        }
        for warning in run.warnings { Terminal.message("cartsync: warning: \(warning)") }
        if case .never(let only) = approval { return try PlanEnding(run: run, plan: plan, only: only).finish() }
        show(plan, isLast: !plan.refusals.isEmpty)
        if !plan.refusals.isEmpty {
            let ending = Ending(refusals: plan, command: TypedCommand(name: command))
            if case .saved = input {
                // A refusal that is written down would make the plan stale, and the next command useless.
                run.discard()
            } else {
                try run.refuse(status: Int(ending.status.rawValue), words: ending.summary, next: ending.next ?? "")
            }
            return ending
        }
        if plan.counts.changes > 0 && session.settings.readOnly {
            run.discard()
            return Ending(
                status: .refused, summary: "only reading is allowed (api.read-only)",
                next: "set api.read-only to false to write")
        }
        if plan.counts.changes > 0, !isApproved {
            run.discard()
            if output == .json { show(plan, isLast: true) }
            if session.stop.isRequested {
                return Ending(status: .stoppedEarly, summary: "nothing was written", next: again)
            }
            return Ending(
                status: .refused,
                summary: Terminal.canAsk ? "the plan was not approved" : "there is nobody to approve the plan",
                next: TypedCommand(name: command).again(adding: "--yes"))
        }
        let report = try await Progress.shown(run, session) { try await run.apply() }
        show(report, run)
        return Ending(report, run: run, again: planAgain)
    }

    /// The command as it was typed.
    private var again: String { TypedCommand(name: command).again() }

    /// The command that does what is left: a saved plan is applied once.
    private var planAgain: String {
        guard case .saved(let path, let plan) = input else { return again }
        let exports = plan.exports.map { ShellWord.quoted($0.path) }.joined(separator: " ")
        return "cartsync plan --out \(ShellWord.quoted(path)) \(exports)"
    }

    private var isApproved: Bool {
        if case .given = approval { return true }
        return Terminal.canAsk && Terminal.confirm("Apply this plan?")
    }

    /// - Parameter isLast: whether nothing more will be shown.
    private func show(_ plan: PlanView, isLast: Bool) {
        switch output {
        case .text:
            Terminal.output(TextReport(width: Terminal.width, color: Terminal.outputHasColor).plan(plan))
        case .json:
            // A run that goes on to apply has one result: its report.
            if isLast { Terminal.output(JSONText.of(plan)) }
        }
    }

    private func show(_ report: RunReport, _ run: SyncRun) {
        switch output {
        case .text:
            let text = TextReport(width: Terminal.width, color: Terminal.outputHasColor)
            Terminal.output(text.summary(report, folder: run.folder))
        case .json: Terminal.output(JSONText.of(report))
        }
    }
}

/// Values as the text of a JSON result.
enum JSONText {
    static func of(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
