import CartAssociations

/// One thing that a person is to know of a service.
struct ServiceLine: Encodable, Sendable, Equatable {
    /// How it is shown, from what is well to what keeps the service from its work.
    enum Tone: String, Encodable, Sendable {
        case good, warning, bad
    }

    var tone: Tone
    /// A sentence without a full stop.
    var text: String
}

extension ServiceView {
    /// All that a person is to know, the worst first; never empty, and good only if there is nothing to look at.
    func lines() -> [ServiceLine] {
        let bad = jobs.flatMap(cannotWork) + jobs.flatMap(failed) + jobs.flatMap(late)
        let warnings =
            jobs.flatMap { job in lastRun(job) + Self.warnings(job.interrupted + job.overdue) } + waitingLines
            + paused + Self.warnings(self.warnings)
        let doubts = bad + warnings
        guard let run else { return doubts + idle(isWell: doubts.isEmpty) }
        let what = run.export.isEmpty ? "Running \(run.job)" : "Syncing \(run.export)"
        let stopping = ServiceLine(tone: .warning, text: "Stopping \(run.export.isEmpty ? run.job : run.export)")
        return doubts + [run.isStopping ? stopping : ServiceLine(tone: .good, text: what)]
    }

    /// The view with its headline.
    func withHeadline() -> ServiceView {
        var view = self
        let lines = lines()
        view.headline = lines[0]
        view.also = Array(lines.dropFirst())
        return view
    }

    /// What a person is to know of runs that have ended and of such as are missing, which no folder tells.
    var openEnds: [String] { jobs.flatMap { lastRun($0) + late($0) }.map(\.text) }

    private static func warnings(_ texts: [String]) -> [ServiceLine] {
        texts.map { ServiceLine(tone: .warning, text: $0) }
    }

    private func late(_ job: Job) -> [ServiceLine] {
        job.late.map { [ServiceLine(tone: .bad, text: "\(name(job)) \($0)")] } ?? []
    }

    private func name(_ job: Job) -> String { jobs.count == 1 ? "The job" : "Job \(job.name)" }

    private func cannotWork(_ job: Job) -> [ServiceLine] {
        job.problems.map { ServiceLine(tone: .bad, text: "\(name(job)) cannot work: \($0)") }
    }

    private func failed(_ job: Job) -> [ServiceLine] {
        guard job.failedCount > 0 else { return [] }
        let names = job.failed.prefix(3).map(\.name)
        let more = job.failedCount > names.count ? " and \(Count.text(job.failedCount - names.count)) more" : ""
        let whose = jobs.count == 1 ? "" : " of job \(job.name)"
        return [
            ServiceLine(
                tone: .bad,
                text: "\(Count.text(job.failedCount, "export"))\(whose) failed: \(names.joined(separator: ", "))\(more)"
            )
        ]
    }

    /// The last run of a job, if it did not do all it had to and nothing else tells of it.
    private func lastRun(_ job: Job) -> [ServiceLine] {
        guard let last = job.lastRun, let status = last.exitStatus, status != .done, status != .changesFound else {
            return []
        }
        let isToldElsewhere =
            switch status {
            case .refused: true
            case .exportRefused, .exportUnreadable: job.failedCount > 0
            default: !job.interrupted.isEmpty || waiting.contains { $0.run == last.run }
            }
        guard !isToldElsewhere else { return [] }
        let verdict = last.verdict ?? status.words
        let whose = jobs.count == 1 ? "The last run" : "The last run of job \(job.name)"
        return [
            ServiceLine(
                tone: .warning, text: "\(whose): \(verdict.hasSuffix(".") ? String(verdict.dropLast()) : verdict)")
        ]
    }

    private var waitingLines: [ServiceLine] {
        let open = waiting.count { $0.approvedUntil == nil }
        let approved = waiting.count - open
        // What lies in waiting/ without a run that could be approved holds its job as well.
        let lost = jobs.filter { $0.waitingWithoutRun > 0 }
        return [
            open > 0 ? "\(Count.text(open, "run")) \(open == 1 ? "waits" : "wait") for a person" : nil,
            approved > 0 ? "\(Count.text(approved, "run")) approved, taken at the next look" : nil,
        ].compactMap(\.self).map { ServiceLine(tone: .warning, text: $0) }
            + lost.map {
                ServiceLine(
                    tone: .warning,
                    text:
                        "\(Count.text($0.waitingWithoutRun, "export")) in waiting/ of job \($0.name) that no run is known of"
                )
            }
    }

    private var paused: [ServiceLine] {
        guard let pause = run?.pauseSeconds else { return [] }
        let reason = run?.reason.map { ": \($0)" } ?? ""
        return [ServiceLine(tone: .warning, text: "No calls for \(Int(pause.rounded(.up))) s\(reason)")]
    }

    private func idle(isWell: Bool) -> [ServiceLine] {
        let ready = jobs.reduce(0) { $0 + $1.exportsWaiting }
        let text: String? =
            if let export = jobs.compactMap(\.export).first {
                "Taking \(export)"
            } else if ready > 0 {
                "\(Count.text(ready, "export")) seen, and not synced yet"
            } else if isWell {
                jobs.contains { $0.nextPollSeconds == nil }
                    ? "Looking for exports" : "Idle: no export waits, \(lastRuns)"
            } else {
                nil
            }
        return text.map { [ServiceLine(tone: .good, text: $0)] } ?? []
    }

    /// How the last runs ended, of jobs that nothing else is to be said of.
    private var lastRuns: String {
        let new = jobs.filter { $0.lastRun == nil }.map(\.name)
        if new.count == jobs.count { return "and none was synced yet" }
        let others: [String] = jobs.compactMap { job in
            guard let last = job.lastRun, last.exitStatus != .done, last.exitStatus != .changesFound else { return nil }
            let how =
                last.exitStatus.map { $0 == .refused ? "was refused" : "ended: \($0.words)" } ?? "was not finished"
            return jobs.count == 1 ? "the last run \(how)" : "the last run of job \(job.name) \(how)"
        }
        let exceptions = others + (new.isEmpty ? [] : ["none was synced yet for job \(new.joined(separator: ", "))"])
        if exceptions.isEmpty {
            return jobs.count == 1 ? "the last run did all it had to" : "the last run of each job did all it had to"
        }
        return exceptions.joined(separator: ", ")
    }
}
