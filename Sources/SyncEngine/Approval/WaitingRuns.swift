import CartAssociations
import DurableFiles
package import Foundation
package import Ledger

/// The waiting runs of a state folder and their approvals: two small files a run, readable by the owner alone.
///
/// Each file is sealed with a key that comes from the ledger, and lies in the folder too: `runs approve` works beside the
/// service that holds the ledger, and the service believes what the ledger's own key has sealed, whatever key the
/// folder has. A file is not read if it is a link, belongs to another user than the state folder's or root, or others
/// may write it.
package struct WaitingRuns: Sendable {
    private static let waitingEnding = ".waiting.json"
    private static let approvalEnding = ".approval.json"
    private static let declineEnding = ".decline.json"
    private static let keyName = "key"
    /// No file of ours is larger.
    private static let mostBytes = 1 << 20

    private let stateFolder: String
    /// The ledger's own key; nil if the ledger is not open here.
    private let ownKey: [UInt8]?

    private var folder: String { stateFolder + "/approvals" }

    /// Without the ledger: what waits can be read and approved.
    ///
    /// - Parameter stateFolder: the folder of the ledger and the reports.
    package init(stateFolder: String) {
        self.stateFolder = stateFolder
        ownKey = nil
    }

    package init(_ ledger: Ledger) {
        stateFolder = ledger.folder
        ownKey = Seal.key(for: .approvals, ledgerKey: ledger.fingerprintKey.bytes)
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

    /// Remembers that a run waits, on the disk before this returns; the ledger has to be open here.
    ///
    /// Throws a `FileError`.
    package func add(_ run: WaitingRun) throws {
        if let ownKey, storedKey != ownKey {
            try prepareFolder()
            try DurableFile.write(ownKey, to: path(Self.keyName))
            try giveToOwner(path(Self.keyName))
        }
        try write(run, to: run.id + Self.waitingEnding)
    }

    /// Writes an approval down, on the disk before this returns; one that was given before is replaced.
    /// Step approve of Tests/Model/protocol.pml.
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

    /// Writes down that a run is declined, on the disk before this returns; an approval that was given before is void.
    ///
    /// Throws a `FileError`.
    package func add(_ decline: Decline) throws {
        try write(decline, to: decline.run + Self.declineEnding)
        try FileSystem.remove(path(decline.run + Self.approvalEnding))
    }

    /// Whether and how a waiting run is declined; nil if it is not.
    package func decline(of run: WaitingRun) -> Decline? {
        guard let decline: Decline = read(run.id + Self.declineEnding), decline.holds(for: run) else { return nil }
        return decline
    }

    /// Forgets a run and its approval: it no longer waits. The approval goes first: it is used once.
    package func remove(_ run: WaitingRun) throws {
        for ending in [Self.approvalEnding, Self.waitingEnding, Self.declineEnding] {
            try FileSystem.remove(path(run.id + ending))
        }
        // Some file systems cannot do it.
        try? FileSystem.syncFolder(folder)
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private var storedKey: [UInt8]? { contents(Self.keyName) }

    private func read<Value: Decodable>(_ name: String) -> Value? {
        guard let key = ownKey ?? storedKey, let bytes = contents(name) else { return nil }
        return SealedRecord.value(in: bytes, name: name, key: key)
    }

    /// The bytes of a file that nobody else can have written; nil otherwise.
    private func contents(_ name: String) -> [UInt8]? {
        guard let owner = (try? FileSystem.status(stateFolder))??.owner,
            let folder = try? FileSystem.status(folder, followingLinks: false), folder.kind == .folder,
            folder.isWritable(onlyBy: owner), let file = try? OpenFile(path(name), for: .readingNoLink),
            let status = try? file.status(), status.kind == .regular, status.isWritable(onlyBy: owner)
        else { return nil }
        return try? file.contents(limit: Self.mostBytes)
    }

    private func write(_ value: some Encodable, to name: String) throws {
        guard let key = ownKey ?? storedKey else { throw FileError(missing: path(Self.keyName)) }
        try prepareFolder()
        try DurableFile.write(try SealedRecord.bytes(of: value, name: name, key: key), to: path(name))
        try giveToOwner(path(name))
    }

    private func prepareFolder() throws {
        if try FileSystem.makeFolder(folder, permissions: 0o700) { try giveToOwner(folder) }
    }

    /// What root writes, the service must be able to read under its own name.
    private func giveToOwner(_ path: String) throws {
        if let owner = try FileSystem.status(stateFolder)?.owner,
            try FileSystem.status(path, followingLinks: false)?.owner != owner
        {
            try FileSystem.setOwner(path, owner)
        }
    }
}
