import Foundation
import Logging
import Synchronization
import TestSupport

@testable import SyncService

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

/// Work on exports that ends as a test says.
struct ScriptedWork: ExportWork {
    var content: @Sendable (_ path: String) -> ExportContent = { _ in .delta }
    let fate: @Sendable (ClaimedExport, @Sendable (String) -> Void) async -> ExportFate

    func review() {}

    func classify(_ path: String) -> ExportContent { content(path) }

    func run(_ export: ClaimedExport, began: @Sendable (String) -> Void) async -> ExportFate {
        await fate(export, began)
    }
}

/// An entry as a look at the inbox gives it.
func entry(
    _ name: String, kind: InboxEntryKind = .regular, size: Int = 10, modified: Int = 1000, inode: UInt64 = 1
) -> InboxEntry {
    InboxEntry(name: name, kind: kind, size: size, modified: .seconds(modified), inode: inode)
}
