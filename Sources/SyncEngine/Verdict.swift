import CartAssociations
import SyncReporting

/// How an applied run ended: the exit status and the words, from what is known at its end.
struct Verdict {
    let outcomes: RunOutcomes
    let rejected: Int
    let failure: RunFailure?
    let isStopped: Bool

    /// A sentence of its own.
    var inReport: RunReport.Verdict {
        .init(words: words.prefix(1).uppercased() + words.dropFirst() + ".", exitStatus: Int(exitStatus.rawValue))
    }

    private var exitStatus: ExitStatus {
        if let failure { return failure.exitStatus }
        if outcomes.pending > 0 { return isStopped ? .stoppedEarly : .bug }
        return outcomes.unsuccessful > 0 || rejected > 0 ? .incomplete : .done
    }

    private var words: String {
        var parts: [String] = []
        if outcomes.pending > 0 {
            parts.append("\(outcomes.done) of \(outcomes.total) changes done, \(outcomes.pending) pending")
        } else if outcomes.total == 0 {
            parts.append("nothing to do, the store is as the export wants it")
        } else if outcomes.unsuccessful == 0 {
            parts.append(outcomes.total == 1 ? "the only change is made" : "all \(outcomes.total) changes are made")
        } else {
            parts.append("\(outcomes.done - outcomes.unsuccessful) of \(outcomes.total) changes are made")
        }
        for (count, word) in [
            (outcomes[.rejected], "refused by the store"), (outcomes[.failed], "failed"),
            (outcomes[.skipped], "skipped"),
        ] where count > 0 {
            parts.append("\(count) \(word)")
        }
        if rejected > 0 { parts.append("\(rejected) record\(rejected == 1 ? "" : "s") of the export rejected") }
        return parts.joined(separator: ", ")
    }
}
