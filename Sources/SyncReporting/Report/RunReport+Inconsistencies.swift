import CartAssociations

extension RunReport {
    /// Every sum in the report that does not add up, as a sentence; empty for every run that is told truly.
    ///
    /// No record and no change may go missing between the parts of a report.
    package func inconsistencies() -> [String] {
        var found: [String] = []
        for export in exports
        where export.records != export.accepted + export.duplicates + export.rejectedCount + (export.elsewhere ?? 0)
            || export.accepted < 0
        {
            found.append(
                "\(export.path): \(export.records) records, but \(export.accepted) accepted, "
                    + "\(export.duplicates) duplicates and \(export.rejectedCount) rejected")
        }
        for kind in ChangeKind.allCases {
            let planned = kind == .create ? plan.creates : plan.deletes
            let tally = outcomes[kind]
            if planned != tally.total {
                found.append(
                    "\(planned) \(kind.rawValue)s planned, but \(tally.done) have an outcome and \(tally.pending) "
                        + "are pending")
            }
        }
        let explained = failures.reduce(0) { $0 + $1.count }
        if explained != outcomes.unsuccessful {
            found.append(
                "\(outcomes.unsuccessful) changes did not succeed, but the failures by reason have \(explained)")
        }
        let rejectedCount = exports.reduce(0) { $0 + $1.rejectedCount }
        if rejected.examples.count != min(rejectedCount, RejectedRecords.mostExamples) {
            found.append("\(rejectedCount) records rejected, but \(rejected.examples.count) of them are shown")
        }
        found += latency.inconsistencies()
        return found
    }
}

extension LatencyReport {
    func inconsistencies() -> [String] {
        var found: [String] = []
        for operation in operations {
            let name = operation.operation.rawValue
            let sums: [(String, Int, Int)] = [
                ("attempts by answer", operation.attempts, operation.attemptAnswers.values.reduce(0, +)),
                ("calls by answer", operation.calls, operation.callAnswers.values.reduce(0, +)),
                ("service times", operation.attempts, operation.service.count + operation.service.outOfRange),
                ("response times", operation.calls, operation.response.count + operation.response.outOfRange),
            ]
            for (what, expected, sum) in sums where expected != sum {
                found.append("\(name): \(what) add up to \(sum), not \(expected)")
            }
            for (clock, figures) in [("service", operation.service), ("response", operation.response)] {
                let buckets = figures.buckets.reduce(0) { $0 + $1.count }
                if buckets != figures.count {
                    found.append("\(name): the \(clock) histogram has \(buckets) of \(figures.count)")
                }
            }
        }
        let inTimeline = timeline.reduce(0) { $0 + $1.attempts }
        let attempts = operations.reduce(0) { $0 + $1.attempts }
        if inTimeline != attempts {
            found.append("the timeline has \(inTimeline) attempts of \(attempts)")
        }
        return found
    }
}
