import Foundation

/// Looks for the least world that still breaks the same promise.
enum Shrinking {
    /// So many worlds are tried at most.
    private static let patience = 300

    /// Tells a world step by step, and the least one that breaks the same promise; returns whether all of them held.
    static func tell(_ scenario: Scenario) throws -> Bool {
        var story: Story?
        let result = try WorldResult.of(scenario) { story = $0 }
        for line in story?.lines ?? [] { print(line) }
        guard result.promise != nil else {
            print("\(result.nights) nights, \(result.runs) runs, \(result.calls) calls: no promise is broken")
            return true
        }
        print("\nmake world \(scenario.arguments)  # \(result.breach ?? "")\nlooking for the least world ...")
        fflush(nil)
        let least = try least(scenario, result.promise)
        if least != scenario {
            _ = try WorldResult.of(least) { least in
                print("")
                for line in least.lines { print(line) }
            }
        }
        print("\nmake world \(least.arguments)")
        return false
    }

    private static func least(_ scenario: Scenario, _ promise: String?) throws -> Scenario {
        var (least, tried) = (scenario, 0)
        search: while true {
            for lesser in least.lesser {
                tried += 1
                if tried > patience { return least }
                if try WorldResult.of(lesser).promise == promise {
                    least = lesser
                    continue search
                }
            }
            return least
        }
    }
}
