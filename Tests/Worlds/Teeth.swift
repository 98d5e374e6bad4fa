/// Shows that each promise can be seen to be broken.
enum Teeth {
    /// So many worlds are tried for each.
    private static let worlds: ClosedRange<UInt64> = 1...40

    /// Returns whether every lie and every sabotage was noticed, and none of the promises is without one.
    static func `try`() throws -> Bool {
        var noticed: Set<Oracle.Promise> = []
        var all = true
        for lie in Lie.allCases {
            all = try look(lie.rawValue, for: lie.breaks, &noticed) { try WorldResult.of($0, lie: lie) } && all
        }
        for sabotage in Sabotage.allCases {
            all =
                try look(sabotage.rawValue, for: sabotage.breaks, &noticed) {
                    try WorldResult.of($0, sabotage: sabotage)
                } && all
        }
        for promise in Oracle.Promise.allCases where !noticed.contains(promise) {
            print("nothing shows that \(promise.rawValue) can be seen to be broken")
            all = false
        }
        return all
    }

    private static func look(
        _ name: String, for promise: Oracle.Promise, _ noticed: inout Set<Oracle.Promise>,
        _ live: (Scenario) throws -> WorldResult
    ) throws -> Bool {
        for seed in worlds {
            guard try live(Scenario(seed: seed)).promise == promise.rawValue else { continue }
            print("\(name): noticed in world \(seed), as \(promise.rawValue)")
            noticed.insert(promise)
            return true
        }
        print("\(name): not noticed in \(worlds.count) worlds")
        return false
    }
}
