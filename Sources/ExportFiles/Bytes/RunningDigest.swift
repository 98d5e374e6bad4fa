import Crypto
import Dispatch
import DurableFiles
import Synchronization

/// The SHA-256 of bytes that come one block after the other, taken on a thread of its own while their reader goes on.
final class RunningDigest: Sendable {
    /// A reader that is ahead by as many blocks waits.
    private static let mostWaiting = 4

    private let queue = DispatchQueue(label: "cartsync.digest")
    private let room = DispatchSemaphore(value: mostWaiting)
    private let digest = Mutex(SHA256())

    /// Adds a part of a block, which is kept until it is digested: a reader that fills it again before copies it.
    func add(_ part: ArraySlice<UInt8>) {
        room.wait()
        queue.async { [self] in
            digest.withLock { $0.update(data: part) }
            room.signal()
        }
    }

    /// The digest in lowercase hexadecimal of everything added.
    func text() -> String {
        queue.sync { Hex.text(digest.withLock { $0.finalize() }) }
    }
}
