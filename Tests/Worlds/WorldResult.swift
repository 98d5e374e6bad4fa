import Foundation

/// How one world went, as one process tells another.
struct WorldResult: Codable {
    let seed: UInt64
    let breach: String?
    let promise: String?
    let nights: Int
    let runs: Int
    let calls: Int
    let kills: Int
    let faults: Int
    let seconds: Double
    /// Sums up all that happened: the same seed has the same again.
    let digest: UInt64

    /// Lives a world in a folder of its own, which is gone afterwards.
    ///
    /// - Parameter tell: given the story, whatever its end.
    static func of(
        _ scenario: Scenario, lie: Lie? = nil, sabotage: Sabotage? = nil, tell: (Story) -> Void = { _ in }
    ) throws -> WorldResult {
        let manager = FileManager.default
        // Nothing of a world outlasts its process, so that it needs no disk.
        let base = manager.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : manager.temporaryDirectory.path
        // Of one length, for what is written has it in it.
        let process = String(String(ProcessInfo.processInfo.processIdentifier + 10_000_000).suffix(8))
        let folder = "\(base)/cartsync-world-\(process)"
        try? manager.removeItem(atPath: folder)
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? manager.removeItem(atPath: folder) }
        let began = DispatchTime.now().uptimeNanoseconds
        let world = World(scenario, in: folder, lie: lie, sabotage: sabotage)
        let breach = world.live()
        tell(world.story)
        let story = world.story
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for line in story.lines {
            for byte in line.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return WorldResult(
            seed: scenario.seed, breach: breach.map { "\($0)" }, promise: breach?.promise.rawValue,
            nights: story.nights,
            runs: story.runs, calls: story.calls, kills: story.kills, faults: story.faults,
            seconds: Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9, digest: digest)
    }
}
