import CartAssociations
import Foundation

/// Something of a service that people are told of when it begins and when it is over.
///
/// Its texts name no owner.
struct Condition: Codable, Sendable, Equatable {
    enum Severity: String, Codable, Sendable {
        case warning, critical
    }

    /// What tells it from others, the same as long as it lasts, for instance `job nightly: failed`.
    let key: String
    /// What it is about; if that changes, it is told again.
    var identity = ""
    let severity: Severity
    /// A sentence without a full stop.
    let text: String
    /// How long it has to last before it is told, in seconds: what is over at once is nothing to wake people for.
    var patience: Double = 0
}

extension ServiceView {
    /// How long what mostly heals by itself has to last before people are told.
    private static let healing: Double = 120

    /// What people are to be told of.
    func conditions() -> [Condition] {
        jobs.flatMap(conditions) + waiting.compactMap(waits)
            + warnings.map { Condition(key: "state folder", severity: .warning, text: $0) }
    }

    private func conditions(_ job: Job) -> [Condition] {
        let name = "job \(job.name)"
        var conditions: [Condition] = []
        if let problem = job.problems.first {
            conditions.append(
                Condition(
                    key: "\(name): cannot work", severity: .critical, text: "\(name) cannot work: \(problem)",
                    patience: Self.healing))
        }
        if job.failedCount > 0 {
            let names = job.failed.prefix(3).map(\.name).joined(separator: ", ")
            conditions.append(
                Condition(
                    key: "\(name): failed", identity: "\(job.failedCount) \(job.failed.first?.name ?? "")",
                    severity: .critical,
                    text: "\(name): \(Count.text(job.failedCount, "export")) in failed/, last \(names)"))
        }
        if !job.interrupted.isEmpty {
            conditions.append(
                Condition(
                    key: "\(name): interrupted", severity: .warning,
                    text: "\(name): \(job.interrupted.joined(separator: "; "))", patience: Self.healing))
        }
        if let last = job.lastRun, let status = last.exitStatus, [.incomplete, .objectiveCrossed].contains(status) {
            conditions.append(
                Condition(
                    key: "\(name): last run", identity: "\(status.rawValue)", severity: .warning,
                    text: "\(name): run \(last.run): \(last.verdict ?? status.words)"))
        }
        if let late = job.late {
            conditions.append(Condition(key: "\(name): late", severity: .critical, text: "\(name) \(late)"))
        }
        return conditions
    }

    private func waits(_ run: Waiting) -> Condition? {
        guard run.approvedUntil == nil else { return nil }
        return Condition(
            key: "run \(run.run): waits", severity: .warning,
            text:
                "job \(run.job): run \(run.run) of \(run.export) waits for a person: \(run.reasons.joined(separator: "; ")); "
                + "\(run.command)")
    }
}
