import Foundation
import Logging
import Synchronization
import TestSupport

@testable import SyncService

extension HandTurnedClock {
    var clock: ServiceClock {
        ServiceClock(now: { self.now }, sleep: { try await self.sleep(for: $0) })
    }
}

/// Values that several tasks add to.
final class Recorder<Value: Sendable>: Sendable {
    private let recorded = Mutex<[Value]>([])

    var values: [Value] { recorded.withLock { $0 } }

    func add(_ value: Value) {
        recorded.withLock { $0.append(value) }
    }
}

extension Logger {
    /// Says nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// An entry as a look at the inbox gives it.
func entry(
    _ name: String, kind: InboxEntryKind = .regular, size: Int = 10, modified: Int = 1000, inode: UInt64 = 1
) -> InboxEntry {
    InboxEntry(name: name, kind: kind, size: size, modified: .seconds(modified), inode: inode)
}
