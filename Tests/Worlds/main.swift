import Foundation

/// Lives random worlds: the program with its ledger and pacer, in time that does not pass, against a store, shoppers and
/// systems that a seed makes.
///
///     worlds world SEED [--nights N] [--associations N] [--without MATTER,...] [--quiet NIGHT,...]
///     worlds many COUNT [--from SEED] [--jobs N]
///     worlds teeth
///
/// `world` tells what happens step by step; if a promise is broken, it looks for the least world that still breaks it.
/// `teeth` tells the judge false histories, and lets programs and stores lie: each has to be noticed.

var arguments = Array(CommandLine.arguments.dropFirst())

/// Takes an option and its value out of the arguments.
@MainActor func option(_ name: String) -> String? {
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
    let value = arguments[index + 1]
    arguments.removeSubrange(index...index + 1)
    return value
}

func numbers(_ text: String?) -> [Int] { (text ?? "").split(separator: ",").compactMap { Int($0) } }

func fail(_ words: String, _ status: Int32 = 64) -> Never {
    FileHandle.standardError.write(Data((words + "\n").utf8))
    exit(status)
}

let program = ProcessInfo.processInfo.arguments[0]
let nights = option("--nights").flatMap { Int($0) }
let associations = option("--associations").flatMap { Int($0) }
let without = (option("--without") ?? "").split(separator: ",").compactMap { Scenario.Matter(rawValue: String($0)) }
let quiet = numbers(option("--quiet"))
let first = option("--from").flatMap { UInt64($0) } ?? 1
let jobs = option("--jobs").flatMap { Int($0) } ?? ProcessInfo.processInfo.activeProcessorCount
guard let command = arguments.first else { fail("usage: worlds world SEED | many COUNT | teeth") }
let number = arguments.dropFirst().first.flatMap { UInt64($0) }

if command == "many" {
    guard let number else { fail("usage: worlds many COUNT [--from SEED] [--jobs N]") }
    exit(Crowd.live(program, from: first, count: Int(number), at: jobs) ? 0 : 1)
}
if ProcessInfo.processInfo.environment["SWIFT_DETERMINISTIC_HASHING"] == nil {
    let same = Crowd.process(program, Array(CommandLine.arguments.dropFirst()))
    try same.run()
    same.waitUntilExit()
    exit(same.terminationStatus)
}
guard SteppedTasks.shared.install() else { fail("this Swift runtime does not let its tasks be stepped", 70) }

switch (command, number) {
case ("world", .some(let seed)):
    var scenario = Scenario(seed: seed)
    if let nights { scenario.nights = nights }
    if let associations { scenario.associations = associations }
    scenario.without.formUnion(without)
    scenario.quietNights.formUnion(quiet)
    exit(try Shrinking.tell(scenario) ? 0 : 1)
case ("batch", .some(let seed)):
    let count = arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 1
    for seed in seed..<seed + count {
        let result = try WorldResult.of(Scenario(seed: seed))
        var line = try JSONEncoder().encode(result)
        line.append(UInt8(ascii: "\n"))
        FileHandle.standardOutput.write(line)
    }
case ("teeth", _):
    exit(try Teeth.try() ? 0 : 1)
default: fail("usage: worlds world SEED | many COUNT | teeth")
}
