import DurableFiles
package import Foundation

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
        let names = (try? FileSystem.names(in: folder).names) ?? []
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
    /// Throws a `FileError`.
    package func add(_ run: WaitingRun) throws {
        try write(run, to: run.id + Self.waitingEnding)
    }

    /// Writes an approval down, on the disk before this returns; one that was given before is replaced.
    ///
    /// Throws a `FileError`.
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
            try FileSystem.remove("\(folder)/\(run.id)\(ending)")
        }
        // Some file systems cannot do it.
        try? FileSystem.syncFolder(folder)
    }

    private func read<Value: Decodable>(_ name: String) -> Value? {
        let path = "\(folder)/\(name)"
        // A link or a pipe in its place is not followed.
        guard let status = try? FileSystem.status(path, followingLinks: false), status.kind == .regular,
            let bytes = try? FileSystem.contents(path, limit: Self.mostBytes)
        else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(Value.self, from: Data(bytes))
    }

    private func write(_ value: some Encodable, to name: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        try FileSystem.makeFolder(folder, permissions: 0o700)
        let path = "\(folder)/\(name)"
        try DurableFile.write(try encoder.encode(value), to: path)
        // What root writes, the service must be able to read under its own name.
        if let owner = try FileSystem.status(folder)?.owner, try FileSystem.status(path)?.owner != owner {
            try FileSystem.setOwner(path, owner)
        }
    }
}
