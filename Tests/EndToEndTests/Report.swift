import Foundation

/// What the tests read of report.json, as a foreign program would: by its field names.
struct Report: Decodable {
    let source: String
    struct Verdict: Decodable {
        let words: String
        let exitStatus: Int
    }

    struct Export: Decodable {
        let records: Int
        let accepted: Int
        let duplicates: Int
        let elsewhere: Int?
        let rejected: [String: Int]
    }

    struct Plan: Decodable {
        let creates: Int
        let deletes: Int
        let kept: Int
        let unmanaged: Int
        let warnings: [String]
    }

    struct Withheld: Decodable {
        let deletes: Int
        let creates: Int
        let permission: String?
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

    struct Failure: Decodable {
        let count: Int
    }

    struct Objective: Decodable {
        let objective: String
        let isCrossed: Bool
        let crossedAfter: Double?
    }

    struct Percentiles: Decodable {
        let count: Int
        let p50: Double
        let p90: Double
        let p99: Double
        let max: Double
    }

    struct Figures: Decodable {
        let percentiles: Percentiles
        let outOfRange: Int
    }

    struct Operation: Decodable {
        let operation: String
        let calls: Int
        let callAnswers: [String: Int]
        let attempts: Int
        let attemptAnswers: [String: Int]
        let retries: Int
        let service: Figures
        let response: Figures
    }

    struct Rate: Decodable {
        struct Pause: Decodable {
            let seconds: Double
            let length: Double
        }

        let limit: Double
        let achieved: Double
        let rateLimited: Int
        let pauses: Int
        let held: [Pause]
    }

    struct Stretch: Decodable {
        let attempts: Int
    }

    struct Latency: Decodable {
        let operations: [Operation]
        let rate: Rate
        let timeline: [Stretch]

        subscript(_ operation: String) -> Operation? { operations.first { $0.operation == operation } }
    }

    let run: String
    let verdict: Verdict
    let exports: [Export]
    let plan: Plan
    let outcomes: Outcomes
    let withheld: Withheld?
    let failures: [Failure]
    let objectives: [Objective]
    let latency: Latency

    /// Every sum that does not add up.
    var contradictions: [String] {
        var found: [String] = []
        func same(_ what: String, _ left: Int, _ right: Int) {
            if left != right { found.append("\(what): \(left) and \(right)") }
        }
        same("creates planned and ended", plan.creates, outcomes.create.total)
        same("deletes planned and ended", plan.deletes, outcomes.delete.total)
        for export in exports {
            same(
                "records and what became of them", export.records,
                export.accepted + export.duplicates + export.rejected.values.reduce(0, +) + (export.elsewhere ?? 0))
            if export.accepted < 0 { found.append("\(export.accepted) records accepted") }
        }
        same("changes without success and their reasons", unsuccessful, failures.reduce(0) { $0 + $1.count })
        for operation in latency.operations {
            let name = operation.operation
            same("\(name): attempts and answers", operation.attempts, operation.attemptAnswers.values.reduce(0, +))
            same("\(name): calls and answers", operation.calls, operation.callAnswers.values.reduce(0, +))
            same(
                "\(name): attempts and service times", operation.attempts,
                operation.service.percentiles.count + operation.service.outOfRange)
            same(
                "\(name): calls and response times", operation.calls,
                operation.response.percentiles.count + operation.response.outOfRange)
        }
        let attempts = latency.operations.reduce(0) { $0 + $1.attempts }
        same("attempts and the timeline", attempts, latency.timeline.reduce(0) { $0 + $1.attempts })
        return found
    }

    var unsuccessful: Int {
        [outcomes.create, outcomes.delete].reduce(0) { $0 + $1.rejected + $1.failed + $1.skipped }
    }

    /// Changes with an outcome.
    var done: Int { outcomes.create.total + outcomes.delete.total - outcomes.create.pending - outcomes.delete.pending }
}
