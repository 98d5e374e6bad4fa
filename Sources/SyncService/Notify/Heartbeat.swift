import CallPacing
import CartAssociations
import ExportSources
import Logging
import ServiceLifecycle
import Synchronization

/// Asks for an address after each good run of a job, with `/start` behind it when one begins and `/fail` when one is not
/// done: whoever is not asked in time tells people (the form of healthchecks.io).
///
/// It is never in the way of a run: what cannot be asked is asked once more, and then left.
final class Heartbeat: Service {
    private static let again = Duration.seconds(5)

    private let address: WebAddress
    private let time: TimeSource
    private let log: Logger
    private let beats: AsyncStream<String>
    private let beat: AsyncStream<String>.Continuation

    init(_ address: WebAddress, time: TimeSource, log: Logger) {
        self.address = address
        self.time = time
        self.log = log
        (beats, beat) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16))
    }

    func began() { beat.yield("/start") }

    func ended(_ status: ExitStatus) { beat.yield(status == .done ? "" : "/fail") }

    /// No more beats come: `run` ends when those that came are sent.
    func finish() { beat.finish() }

    func run() async {
        let post = WebPost(time: time)
        for await ending in beats {
            if await !isHeard(post, ending) {
                try? await time.sleep(for: Self.again)
                _ = await isHeard(post, ending)
            }
        }
        await post.shutdown()
    }

    private func isHeard(_ post: WebPost, _ ending: String) async -> Bool {
        let status = try? await post.ask(address, ending: ending)
        if let status, (200..<300).contains(status) { return true }
        log.warning(
            "the heartbeat is not heard",
            metadata: ["host": "\(address.host)", "answer": "\(status.map(String.init) ?? "none")"])
        return false
    }
}
