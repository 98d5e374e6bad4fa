import CallPacing
import ExportSources
import Foundation
import Ledger
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
    var content: @Sendable (_ name: String) -> ExportContent = { _ in .delta }
    let fate: @Sendable (ClaimedExport, @Sendable (String) -> Void) async -> ExportFate

    func review() {}

    func tidy() -> Bool { false }

    func see(_ entries: [InboxEntry]) {}

    func sorted(_ entries: [InboxEntry]) -> [InboxEntry] { entries.sorted(by: InboxEntry.isOlder) }

    func classify(_ entry: InboxEntry, in place: InboxName.Folder?) -> ExportContent {
        content(entry.parts.first?.name ?? entry.name)
    }

    func run(_ export: ClaimedExport, began: @Sendable (String) -> Void) async -> ExportFate {
        await fate(export, began)
    }
}

extension Ledger {
    /// A new ledger of no particular store.
    static func new(in folder: TemporaryFolder) throws -> Ledger {
        try Ledger.open(
            folder: folder.path, store: StoreIdentity(baseURL: "http://127.0.0.1:1", clientID: "test"), now: Date())
    }
}

extension ExportFetcher {
    /// A fetcher of the source `test`, whose exports are taken at first sight.
    static func fetching(
        _ source: any ExportSource, to folder: TemporaryFolder, _ ledger: Ledger, settle: Duration = .zero,
        limit: Int = 1 << 20, time: TimeSource = .system, rules: SourceMemory.Rules = .init(), logger: Logger = .silent
    ) -> ExportFetcher {
        ExportFetcher(
            source: source, name: "test", folder: folder.path, ledger: ledger,
            options: .init(settle: settle, limit: limit, rules: rules), time: time, logger: logger)
    }
}

/// An entry as a look at the inbox gives it.
func entry(
    _ name: String, kind: InboxEntryKind = .regular, size: Int = 10, modified: Int = 1000, inode: UInt64 = 1
) -> InboxEntry {
    InboxEntry(name: name, kind: kind, size: size, modified: .seconds(modified), inode: inode)
}
