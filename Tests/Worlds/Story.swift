import Logging

/// What happens in a world, step by step, and how often.
final class Story: @unchecked Sendable {
    private(set) var lines: [String] = []
    var calls = 0
    var runs = 0
    var nights = 0
    var kills = 0
    private(set) var faults = 0
    private let timeline: Timeline
    /// The folder of the world, which has another name each time.
    private let folder: String

    init(_ timeline: Timeline, folder: String) { (self.timeline, self.folder) = (timeline, folder) }

    func note(_ words: @autoclosure () -> String, isFault: Bool = false) {
        if isFault { faults += 1 }
        let words = words()
        let shown = words.utf8.contains(UInt8(ascii: "/")) ? words.replacing(folder + "/", with: "") : words
        lines.append("\(Self.clock(timeline.now))  \(shown)")
    }

    /// A night and a time of day, for instance `3 02:15:04.250`.
    private static func clock(_ time: Duration) -> String {
        let milliseconds = Int(time / .milliseconds(1))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let fraction = String(1000 + rest).dropFirst()
        return "\(days) \(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)).\(fraction)"
    }
}

/// The log of one process of the program, as a part of the story.
struct StoryLog: LogHandler {
    let worker: Int
    let life: Life
    let story: Story
    var logLevel = Logger.Level.notice
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard !life.isDead else { return }
        let metadata = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let words = metadata.map { "\($0)=\($1)" }.joined(separator: " ")
        story.note("worker \(worker) says: \(event.message)\(words.isEmpty ? "" : ", \(words)")")
        if "\(event.message)" == "moved" { life.moved?() }
    }
}
