import CallPacing
import CartAssociations
import DurableFiles
import Synchronization

/// The size of the state folder, which grows with every run, looked at now and then.
final class StateSize: Sendable {
    /// However often somebody asks, the folder is looked through this often.
    static let freshness = Duration.seconds(600)
    /// A folder with more files and folders is larger than what is said.
    static let mostEntries = 200_000

    private let folder: String
    /// From how many bytes on the page and the metrics warn.
    let limit: Int
    private let time: TimeSource
    private let last = Mutex<(measured: ContinuousClock.Instant, bytes: Int)?>(nil)

    init(_ folder: String, limit: Int, time: TimeSource) {
        self.folder = folder
        self.limit = limit
        self.time = time
    }

    /// The bytes of the files in it; nil if it cannot be looked through.
    func bytes() -> Int? {
        last.withLock { last in
            let now = time.now()
            if let last, now - last.measured < Self.freshness { return last.bytes }
            guard let bytes = try? OpenFolder(folder).size(mostEntries: Self.mostEntries) else { return nil }
            last = (now, bytes)
            return bytes
        }
    }

    /// What to do about a folder that has grown beyond its limit, in a sentence; nil if it has not.
    var warning: String? {
        guard let bytes = bytes(), bytes > limit else { return nil }
        return "the state folder \(folder) has \(Count.text(bytes / 1_000_000)) MB, more than the "
            + "\(Count.text(limit / 1_000_000)) MB of state.max-size; lower state.keep or state.keep-runs, or raise it"
    }
}
