/// Something that a broken program or a lying store would do, to show that the oracle notices it.
enum Sabotage: String, CaseIterable {
    /// A delete that no plan has.
    case strayCall
    /// A change that is made twice at the same time.
    case twoAtOnce
    /// A delete that is answered and not made.
    case liesOfDeletes
    /// A ledger that forgets an outcome.
    case losesOutcome
    /// A call that never ends.
    case neverAnswers

    var breaks: Oracle.Promise {
        switch self {
        case .strayCall: .journal
        case .twoAtOnce: .order
        case .liesOfDeletes: .truth
        case .losesOutcome: .outcome
        case .neverAnswers: .end
        }
    }
}
