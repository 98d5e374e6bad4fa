package import CartAssociations

/// How the changes of one kind ended, in counts.
package struct ChangeTally: Codable, Sendable, Equatable {
    package private(set) var created = 0
    private(set) var alreadyThere = 0
    package private(set) var deleted = 0
    private(set) var alreadyGone = 0
    private(set) var rejected = 0
    private(set) var failed = 0
    private(set) var skipped = 0
    /// Planned and not tried, because the run stopped early.
    package var pending = 0

    /// Counts changes that ended in an outcome; what was withheld is counted with the plan.
    mutating func count(_ outcome: Outcome, _ number: Int = 1) {
        switch outcome {
        case .created: created += number
        case .alreadyThere: alreadyThere += number
        case .deleted: deleted += number
        case .alreadyGone: alreadyGone += number
        case .rejected: rejected += number
        case .failed: failed += number
        case .skipped: skipped += number
        case .withheld: break
        }
    }

    package subscript(_ outcome: Outcome) -> Int {
        switch outcome {
        case .created: created
        case .alreadyThere: alreadyThere
        case .deleted: deleted
        case .alreadyGone: alreadyGone
        case .rejected: rejected
        case .failed: failed
        case .skipped: skipped
        case .withheld: 0
        }
    }

    /// Changes with an outcome.
    package var done: Int { Outcome.allCases.reduce(0) { $0 + self[$1] } }
    /// Every change that was planned.
    package var total: Int { done + pending }
    /// Changes that ended otherwise than wanted.
    var unsuccessful: Int { rejected + failed + skipped }
}

/// How the changes of a run ended.
package struct RunOutcomes: Codable, Sendable, Equatable {
    package var create = ChangeTally()
    package var delete = ChangeTally()

    package init() {}

    /// Counts changes of a kind that ended in an outcome.
    package mutating func count(_ kind: ChangeKind, _ outcome: Outcome, _ number: Int = 1) {
        switch kind {
        case .create: create.count(outcome, number)
        case .delete: delete.count(outcome, number)
        }
    }

    subscript(_ kind: ChangeKind) -> ChangeTally { kind == .create ? create : delete }

    /// Changes of both kinds that ended in an outcome.
    package subscript(_ outcome: Outcome) -> Int { create[outcome] + delete[outcome] }

    package var done: Int { create.done + delete.done }
    package var pending: Int { create.pending + delete.pending }
    package var total: Int { create.total + delete.total }
    package var unsuccessful: Int { create.unsuccessful + delete.unsuccessful }
}
