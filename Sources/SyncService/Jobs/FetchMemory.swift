import DurableFiles
import ExportSources
import Foundation

/// The versions that were fetched from a source, kept in the job's own inbox, so that nothing is fetched twice.
struct FetchMemory: Sendable, Hashable, Codable {
    /// By name in the source.
    private(set) var fetched: [String: ExportVersion] = [:]

    /// The file's name in the inbox; it begins with a dot, so that it is no export.
    static let name = ".fetched.json"

    /// Whether the listed export was fetched; false if only fetching it again tells.
    func has(_ export: RemoteExport) -> Bool {
        guard let version = export.version else { return false }
        return fetched[export.name] == version
    }

    mutating func remember(_ name: String, _ version: ExportVersion) {
        fetched[name] = version
    }

    /// Forgets what the source no longer has; otherwise the memory would grow for years.
    mutating func keep(_ names: Set<String>) {
        fetched = fetched.filter { names.contains($0.key) }
    }

    /// Reads the memory. One that cannot be read is taken for empty: the ledger knows what was synced, and fetching it
    /// again does no harm.
    init(folder: String) {
        guard let text = try? FileSystem.contents("\(folder)/\(Self.name)"),
            let memory = try? JSONDecoder().decode(FetchMemory.self, from: Data(text))
        else { return }
        self = memory
    }

    /// Writes the memory so that a crash leaves the old one or the new one.
    func write(to folder: String) throws(InboxError) {
        let path = "\(folder)/\(Self.name)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try DurableFile.write(try encoder.encode(self), to: path, mustSyncFolder: true)
        } catch {
            throw InboxError(path: path, problem: "cannot be written: \(error)")
        }
    }
}
