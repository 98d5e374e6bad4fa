/// What a world is made of: all of it follows from these few values.
struct Scenario: Hashable, Codable {
    /// What may go wrong, or be odd.
    enum Matter: String, CaseIterable, Codable {
        /// Shoppers make, open and leave carts, and carts expire.
        case shoppers
        /// Calls fail, are lost before or after their effect, or are answered oddly.
        case faults
        /// The process ends at any moment.
        case kills
        /// Exports are damaged on their way.
        case damage
        /// Exports come late, twice, or older after newer; some are deltas.
        case disorder
        /// The listing lags, is incomplete or moves.
        case listing
        /// Tokens end soon, or are revoked.
        case tokens
        /// The store refuses calls above a limit below ours, which shoppers share.
        case limits
        /// Another source's exports go into the same ledger.
        case secondSource
        /// Settings are others after a new start: what is deleted, where the current is learnt, first changes to confirm.
        case settings
        /// The service stays and polls on some nights.
        case service
        /// A person takes a run back, or applies a saved plan by hand.
        case hands
        /// People approve late, twice, more than the plan has, or a run that waits no longer.
        case approvals
        /// Exports come in parts, some of them late or never, and with manifests, some of them wrong.
        case parts
        /// Settings change while a service runs.
        case reload
        /// A source is a bucket, whose listing lags and whose downloads break off.
        case remote
        /// Exports name customers by their e-mails, which change; some are unknown, some those of two customers.
        case ownerKeys
        /// A second worker with a ledger of its own has half of the carts, and somebody else tries to act on a ledger.
        case secondWorker
        /// Only the last few runs are kept.
        case retention
    }

    let seed: UInt64
    var nights: Int
    /// The most associations that a source wants at the beginning.
    var associations: Int
    /// What is left out, for the least world that still fails.
    var without: Set<Matter> = []
    /// Nights on which nothing happens.
    var quietNights: Set<Int> = []

    /// The world of a seed.
    init(seed: UInt64) {
        let random = SeededRandom(seed, "scenario")
        self.seed = seed
        // Many short ones find what a few nights can show, and long ones what only comes of weeks.
        nights = random.pick([2, 3, 4, 5, 6, 8, 10, 12, 15, 20])
        associations = random.pick([5, 8, 12, 20, 20, 30, 40, 60])
        // Each of them is missing from some worlds, so that others have their effect alone.
        without = Set(Matter.allCases.filter { _ in random.isOneIn(4) })
        // Twice the work.
        if !random.isOneIn(3) { without.insert(.secondWorker) }
    }

    func has(_ matter: Matter) -> Bool { !without.contains(matter) }

    func random(_ matter: String, _ night: Int = 0) -> SeededRandom { SeededRandom(seed, matter, night) }

    /// Worlds that have a little less.
    var lesser: [Scenario] {
        var all: [Scenario] = []
        func add(_ change: (inout Scenario) -> Void) {
            var scenario = self
            change(&scenario)
            if scenario != self { all.append(scenario) }
        }
        for nights in [1, nights / 2, nights - 1] where nights >= 1 { add { $0.nights = nights } }
        for matter in Matter.allCases where has(matter) { add { $0.without.insert(matter) } }
        for count in [1, 3, associations / 2, associations - 1] where count >= 1 && count < associations {
            add { $0.associations = count }
        }
        for night in 1...max(1, nights) where !quietNights.contains(night) { add { $0.quietNights.insert(night) } }
        return all
    }

    /// The scenario as arguments, to have it again.
    var arguments: String {
        var words = ["SEED=\(seed)"]
        let usual = Scenario(seed: seed)
        if nights != usual.nights { words.append("NIGHTS=\(nights)") }
        if associations != usual.associations { words.append("ASSOCIATIONS=\(associations)") }
        if without != usual.without {
            words.append(
                "WITHOUT=\(without.subtracting(usual.without).map(\.rawValue).sorted().joined(separator: ","))")
        }
        if !quietNights.isEmpty {
            words.append("QUIET=\(quietNights.sorted().map(String.init).joined(separator: ","))")
        }
        return words.joined(separator: " ")
    }
}
