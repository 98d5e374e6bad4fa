import Foundation

/// What the tests read of report.json, as a foreign program would: by its field names.
struct Report: Decodable {
    struct Verdict: Decodable {
        let words: String
        let exitStatus: Int
    }

    struct Export: Decodable {
        let records: Int
        let duplicates: Int
        let rejected: [String: Int]
    }

    struct Plan: Decodable {
        let creates: Int
        let deletes: Int
        let kept: Int
        let unmanaged: Int
    }

    struct Tally: Decodable {
        let created: Int
        let alreadyThere: Int
        let deleted: Int
        let alreadyGone: Int
        let rejected: Int
        let failed: Int
        let skipped: Int
        let pending: Int

        var total: Int {
            created + alreadyThere + deleted + alreadyGone + rejected + failed + skipped + pending
        }
    }

    struct Outcomes: Decodable {
        let create: Tally
        let delete: Tally
    }

    let run: String
    let verdict: Verdict
    let exports: [Export]
    let plan: Plan
    let outcomes: Outcomes

    /// Every sum that does not add up.
    var contradictions: [String] {
        var found: [String] = []
        if plan.creates != outcomes.create.total {
            found.append("creates: \(plan.creates) of \(outcomes.create.total)")
        }
        if plan.deletes != outcomes.delete.total {
            found.append("deletes: \(plan.deletes) of \(outcomes.delete.total)")
        }
        return found
    }
}
