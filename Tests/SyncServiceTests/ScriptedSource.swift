import Foundation
import Synchronization

@testable import ExportSources

/// A source whose files and faults a test sets.
final class ScriptedSource: ExportSource {
    struct File: Sendable, Hashable {
        var text: String
        /// In seconds since 1970.
        var modified: Int
        /// Whether this one cannot be had.
        var isDenied = false
    }

    struct Script: Sendable {
        var files: [String: File] = [:]
        /// Whether the source cannot be listed.
        var isDown = false
        /// Names that a listing leaves out.
        var hidden: Set<String> = []
        /// The names that were asked for.
        var asked: [String] = []
    }

    let words = "scripted"
    let needsSettling = false
    private let script = Mutex(Script())

    func change(_ change: (inout Script) -> Void) { script.withLock { change(&$0) } }

    func put(_ name: String, _ text: String, modified: Int) {
        change { $0.files[name] = File(text: text, modified: modified) }
    }

    var asked: [String] { script.withLock { $0.asked } }

    func list() async throws(SourceError) -> [RemoteExport] {
        let script = script.withLock { $0 }
        guard !script.isDown else { throw SourceError("scripted: the listing failed") }
        return script.files.filter { !script.hidden.contains($0.key) }.map { name, file in
            RemoteExport(
                name: name, size: file.text.utf8.count, modified: .seconds(file.modified), version: Self.version(file))
        }
    }

    private static func version(_ file: File) -> ExportVersion {
        ExportVersion(modified: "\(file.modified)", size: file.text.utf8.count)
    }

    func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        let found = script.withLock { script in
            script.asked.append(export.name)
            return script.files[export.name]
        }
        guard let found, !found.isDenied else {
            throw SourceError("scripted: \(export.name) is denied", ofOneExport: true)
        }
        try file.begin(Self.version(found), keeping: false)
        try file.append(Array(found.text.utf8))
        return .complete(Self.version(found), modified: .seconds(found.modified))
    }

    func shutdown() async {}
}
