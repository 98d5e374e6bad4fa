package import Foundation
import SyncReporting

/// The waiting runs of a state folder and their approvals: two small files a run, readable by the owner alone.
///
/// They need no ledger: `runs approve` works beside the service that holds it.
package struct WaitingRuns: Sendable {
    private static let waitingEnding = ".waiting.json"
    private static let approvalEnding = ".approval.json"
    /// No file of ours is larger.
    private static let mostBytes = 1 << 20

    private let folder: String

    /// - Parameter stateFolder: the folder of the ledger and the reports.
    package init(stateFolder: String) {
        folder = stateFolder + "/approvals"
    }

    /// Every waiting run, the oldest first; other files in the folder are passed over.
    package func all() -> [WaitingRun] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(Self.waitingEnding) }.sorted().compactMap { name in
            guard let run: WaitingRun = read(name), name == run.id + Self.waitingEnding else { return nil }
            return run
        }
    }

    /// The waiting run that a name means, as `RunName` has it.
    package func find(_ name: String) throws(ApprovalRefused) -> WaitingRun {
        let runs = all()
        do {
            let id = try RunName.find(name, among: runs.map(\.id))
            if let run = runs.first(where: { $0.id == id }) { return run }
        } catch {
            if case .ambiguous(let ids) = error { throw .ambiguous(run: name, ids) }
        }
        throw .notWaiting(run: name)
    }

    /// Remembers that a run waits, on the disk before this returns.
    ///
    /// Throws `ReportNotWritten`, or the error of the file system.
    package func add(_ run: WaitingRun) throws {
        try write(run, to: run.id + Self.waitingEnding)
    }

    /// Writes an approval down, on the disk before this returns; one that was given before is replaced.
    ///
    /// Throws `ReportNotWritten`, or the error of the file system.
    package func add(_ approval: Approval) throws {
        try write(approval, to: approval.run + Self.approvalEnding)
    }

    /// The approval that holds for a waiting run now.
    package func approval(of run: WaitingRun, now: Date) -> Approval? {
        guard let approval: Approval = read(run.id + Self.approvalEnding), approval.holds(for: run, now: now)
        else { return nil }
        return approval
    }

    /// Forgets a run and its approval: it no longer waits. The approval goes first: it is used once.
    package func remove(_ run: WaitingRun) throws {
        for ending in [Self.approvalEnding, Self.waitingEnding] {
            let path = "\(folder)/\(run.id)\(ending)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            try FileManager.default.removeItem(atPath: path)
        }
        DurableFile.synchronize(folder: folder)
    }

    private func read<Value: Decodable>(_ name: String) -> Value? {
        let path = "\(folder)/\(name)"
        let manager = FileManager.default
        // A link or a pipe in its place is not followed.
        guard let facts = try? manager.attributesOfItem(atPath: path),
            facts[.type] as? FileAttributeType == .typeRegular,
            let size = facts[.size] as? Int, size <= Self.mostBytes, let data = manager.contents(atPath: path)
        else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(Value.self, from: data)
    }

    private func write(_ value: some Encodable, to name: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let files = FileManager.default
        try files.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let bytes = try encoder.encode(value)
        let path = "\(folder)/\(name)"
        var file = try DurableFile(path: path)
        try file.append { $0.append(contentsOf: bytes) }
        try file.finish()
        // What root writes, the service must be able to read under its own name.
        if let owner = try files.attributesOfItem(atPath: folder)[.ownerAccountID] as? UInt,
            try files.attributesOfItem(atPath: path)[.ownerAccountID] as? UInt != owner
        {
            try files.setAttributes([.ownerAccountID: owner], ofItemAtPath: path)
        }
    }
}
