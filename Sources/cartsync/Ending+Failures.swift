import CartAssociations
import CommerceAPI
import ExportFiles
import Ledger
import SyncEngine
import SyncReporting

extension Ending {
    /// The end of a command that could not make its plan, or could not go on with it.
    ///
    /// - Parameter again: the command that makes another attempt, if it is not the one that was typed.
    init(_ failure: RunFailure, again: String = TypedCommand.asTyped) {
        self.init(status: failure.exitStatus, details: "cartsync: \(failure)", next: Self.next(failure, again: again))
    }

    init(_ error: ExportError) { self.init(.export(error)) }

    init(_ error: LedgerError, again: String = TypedCommand.asTyped) { self.init(.ledger(error), again: again) }

    private static func next(_ failure: RunFailure?, again: String) -> String {
        if case .ledger(let error) = failure, error.kind == .damaged || error.kind == .missing {
            return "do what is said above, then \(again)"
        }
        return switch failure?.exitStatus {
        case .exportRefused: "correct the export, then \(again)"
        case .exportUnreadable: "check the path and its permissions, then \(again)"
        case .credentialsRefused: "check the application key, then \(again)"
        case .bug: "report this with the lines above, then \(again)"
        default: again
        }
    }

    /// The end of a command whose run was applied.
    ///
    /// - Parameter again: the command that does what is left, if it is not the one that was typed.
    init(_ ended: EndedRun, again: String = TypedCommand.asTyped) {
        let report = ended.report
        let status = report.verdict.exitStatus
        self.init(
            status: status, details: ended.failure.map { "cartsync: \($0)" } ?? "",
            summary: Self.phrase(report.verdict.words),
            next: Self.next(ended, status, again: again))
    }

    private static func next(_ ended: EndedRun, _ status: ExitStatus, again: String) -> String? {
        let report = ended.report
        if status == .done { return nil }
        // The plan is in the journal: going on costs no second reading and asks nothing.
        if report.outcomes.pending > 0 { return next(ended.failure, again: TypedCommand(name: "").next(report.run)) }
        if let failure = ended.failure { return next(failure, again: again) }
        // The same command would only reject the same records again.
        guard let rejects = report.rejected.file, report.outcomes.unsuccessful == 0, status == .incomplete else {
            return again
        }
        return
            "correct the records in \(ShellWord.quoted(rejects)), then \(TypedCommand(name: "").another("import", [rejects]))"
    }

    /// A sentence as a part of another one.
    static func phrase(_ sentence: String) -> String {
        sentence.prefix(1).lowercased() + sentence.dropFirst().trimmingPeriod
    }
}

extension Substring {
    fileprivate var trimmingPeriod: Substring { last == "." ? dropLast() : self }
}
