import CartAssociations

/// The small numbers that stand for words in the tables. They never change: ledgers hold them.
enum StoredCodes {
    static func code(_ kind: OwnerKind) -> Int {
        switch kind {
        case .customer: 0
        case .account: 1
        }
    }

    static func ownerKind(_ code: Int) -> OwnerKind { code == 1 ? .account : .customer }

    /// A bit for each kind.
    static func code(_ kinds: Set<OwnerKind>) -> Int { kinds.reduce(0) { $0 | 1 << code($1) } }

    static func ownerKinds(_ code: Int) -> Set<OwnerKind> {
        Set(OwnerKind.allCases.filter { code & 1 << self.code($0) != 0 })
    }

    /// Creates come first when entries of a cart are sorted.
    static func code(_ kind: ChangeKind) -> Int {
        switch kind {
        case .create: 0
        case .delete: 1
        }
    }

    static func changeKind(_ code: Int) -> ChangeKind { code == 1 ? .delete : .create }

    static func code(_ outcome: Outcome) -> Int {
        switch outcome {
        case .created: 1
        case .alreadyThere: 2
        case .deleted: 3
        case .alreadyGone: 4
        case .rejected: 5
        case .failed: 6
        case .skipped: 7
        case .withheld: 8
        }
    }

    private static let outcomes = Dictionary(uniqueKeysWithValues: Outcome.allCases.map { (code($0), $0) })

    /// Nil for a number that only a damaged ledger holds.
    static func outcome(_ code: Int) -> Outcome? { outcomes[code] }

    static func code(_ answer: AnswerClass) -> Int {
        switch answer {
        case .success: 1
        case .rateLimited: 2
        case .unauthorized: 3
        case .forbidden: 4
        case .refused: 5
        case .serverError: 6
        case .connection: 7
        case .unknown: 8
        }
    }

    private static let answers = Dictionary(uniqueKeysWithValues: AnswerClass.allCases.map { (code($0), $0) })

    /// Nil for a number that only a damaged ledger holds.
    static func answer(_ code: Int) -> AnswerClass? { answers[code] }
}
