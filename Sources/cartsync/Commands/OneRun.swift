import CartAssociations
import Foundation
import SyncEngine
import SyncReporting

/// One run of a command: plan, show, ask, apply, report.
struct OneRun {
    enum Approval {
        case given
        /// On a terminal a person is asked; elsewhere the run stops before its first write.
        case asked
        /// The run ends with its plan; `detailedStatus` tells by the exit status whether there are changes.
        case never(detailedStatus: Bool)
    }

    let command: String
    let exports: [String]
    let flags: [[String: String?]]
    let config: String?
    let output: OutputFormat
    let allowEmpty: Bool
    let approval: Approval
    /// The source where none is set.
    var usualSource = "default"

    func run() async throws {
        let loaded = try await Invocation.load(flags, config: config) { settings in
            settings.planGuard.allowEmpty = allowEmpty
            settings.source = settings.source ?? usualSource
        }
        let session = try Session.open(loaded)
        let signals = Signals { [stop = session.stop, again = typedCommand(adding: nil)] in
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
            ending = Ending(failure, again: typedCommand(adding: nil))
        }
        await session.close()
        throw ending
    }

    private func plannedAndApplied(_ session: Session) async throws -> Ending {
        let run = session.run(command: command, exports: exports, missingFinalNewline: .makesNoDeletes)
        let isPlanOnly = if case .never = approval { true } else { false }
        let plan = try await Progress.shown(run, session) { try await run.plan(keepingRejects: !isPlanOnly) }
        for warning in run.warnings { Terminal.message("cartsync: warning: \(warning)") }
        show(plan, isLast: isPlanOnly || !plan.refusals.isEmpty)
        if let refusal = plan.refusals.first {
            let ending = refusalEnding(plan, refusal)
            if isPlanOnly {
                run.discard()
            } else {
                try run.refuse(status: Int(ending.status.rawValue), words: ending.summary, next: ending.next ?? "")
            }
            return ending
        }
        if case .never(let detailedStatus) = approval {
            run.discard()
            return planEnding(plan, detailedStatus: detailedStatus)
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
                return Ending(
                    status: .stoppedEarly, summary: "nothing was written", next: typedCommand(adding: nil))
            }
            return Ending(
                status: .refused,
                summary: Terminal.canAsk ? "the plan was not approved" : "there is nobody to approve the plan",
                next: typedCommand(adding: "--yes"))
        }
        let report = try await Progress.shown(run, session) { try await run.apply() }
        show(report, run)
        return Ending(report, run: run, again: typedCommand(adding: nil))
    }

    private func refusalEnding(_ plan: PlanView, _ first: Refusal) -> Ending {
        let permissions = plan.refusals.reduce(into: [String]()) { permissions, refusal in
            if !permissions.contains(refusal.permission) { permissions.append(refusal.permission) }
        }
        let lines = plan.refusals.map { "cartsync: the \($0.rule.rawValue) guard refuses: \($0.sentence)" }
        let owners = plan.hardestHit.map { "cartsync:   \($0.owner) would lose \($0.deletes)" }
        return Ending(
            status: .refused, details: (lines + owners).joined(separator: "\n"),
            summary: plan.refusals.count == 1 ? first.sentence : "\(plan.refusals.count) guards refuse the plan",
            next: typedCommand(adding: permissions.joined(separator: " ")))
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

    private func typedCommand(as name: String? = nil, adding flags: String?) -> String {
        TypedCommand(name: command).again(as: name, adding: flags)
    }

    private func planEnding(_ plan: PlanView, detailedStatus: Bool) -> Ending {
        let changes = plan.counts.changes
        guard changes > 0 else { return Ending(status: .done, summary: "nothing to do") }
        return Ending(
            status: detailedStatus ? .changesFound : .done,
            summary: "creates: \(plan.counts.creates), deletes: \(plan.counts.deletes), nothing was written",
            next: typedCommand(as: "sync", adding: nil))
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
