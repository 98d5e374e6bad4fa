import Foundation

/// Many worlds, in as many processes as the machine has cores.
struct Crowd {
    let program: String
    let arguments: [String]

    /// The program as a process with the same hashes each time, without which no world would be the same again.
    static func process(_ program: String, _ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 }
        return process
    }

    /// Lives the worlds of so many seeds and tells how they went; returns whether all promises held.
    static func live(_ program: String, from first: UInt64, count: Int, at once: Int) -> Bool {
        let began = DispatchTime.now().uptimeNanoseconds
        // What a process has killed stays in its memory: none lives many worlds.
        let size = 20
        let batches = stride(from: 0, to: count, by: size).map { (first + UInt64($0), min(size, count - $0)) }
        let results = Results()
        DispatchQueue.concurrentPerform(iterations: max(1, min(once, batches.count))) { lane in
            for batch in stride(from: lane, to: batches.count, by: max(1, once)) {
                let (seed, count) = batches[batch]
                results.add(run(program, ["batch", "\(seed)", "\(count)"]), of: seed, count)
            }
        }
        let again = run(program, ["batch", "\(first)", "\(min(3, count))"]).results
        return results.tell(seconds: Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9, again: again)
    }

    /// - Returns: the worlds that came to an end, and what the process said besides if it ended early.
    private static func run(_ program: String, _ arguments: [String]) -> (results: [WorldResult], failure: String?) {
        let process = process(program, arguments)
        let (output, errors) = (
            Pipe(), FileManager.default.temporaryDirectory.appending(path: "worlds-\(UUID().uuidString)")
        )
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: errors) }
        process.standardOutput = output
        process.standardError = try? FileHandle(forWritingTo: errors)
        do { try process.run() } catch { return ([], "\(error)") }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let results = bytes.split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONDecoder().decode(WorldResult.self, from: Data($0))
        }
        guard process.terminationStatus != 0 else { return (results, nil) }
        let said = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
        return (results, "ended with \(process.terminationStatus): \(said.suffix(2000))")
    }

    /// What came of the worlds.
    private final class Results: @unchecked Sendable {
        private let lock = NSLock()
        private var all: [WorldResult] = []
        private var crashes: [(seed: UInt64, words: String)] = []

        func add(_ batch: (results: [WorldResult], failure: String?), of seed: UInt64, _ count: Int) {
            lock.withLock {
                all += batch.results
                guard let failure = batch.failure else { return }
                crashes.append((seed + UInt64(batch.results.count), failure))
            }
        }

        func tell(seconds: Double, again: [WorldResult]) -> Bool {
            func sum(_ value: (WorldResult) -> Int) -> Int { all.reduce(0) { $0 + value($1) } }
            print(
                "\(all.count) worlds with \(sum(\.nights)) nights, \(sum(\.runs)) runs, \(sum(\.calls)) calls, "
                    + "\(sum(\.kills)) kills and \(sum(\.faults)) faults in \(Int(seconds.rounded())) s, "
                    + "\(Int(1000 * all.reduce(0) { $0 + $1.seconds } / Double(max(1, all.count)))) ms each")
            for (seed, words) in crashes { print("the process of world \(seed) \(words)") }
            let broken = all.filter { $0.breach != nil }.sorted { $0.seed < $1.seed }
            for result in broken.prefix(20) { print("make world SEED=\(result.seed)  # \(result.breach ?? "")") }
            if broken.count > 20 { print("and \(broken.count - 20) more") }
            let different = again.filter { again in all.contains { $0.seed == again.seed && $0.digest != again.digest }
            }
            for result in different { print("world \(result.seed) is another the second time") }
            return crashes.isEmpty && broken.isEmpty && different.isEmpty
        }
    }
}
