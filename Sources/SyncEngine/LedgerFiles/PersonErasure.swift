package import CallPacing
package import CartAssociations
import DurableFiles
package import Foundation
package import Ledger
import SyncReporting

/// Takes a person out of a state folder: ledger, journals, reports and rejected records.
///
/// The store, the exports and backups are not touched.
package struct PersonErasure {
    /// What is changed, and what is left.
    package struct Receipt: Sendable, Codable {
        /// What stands in the person's place.
        package let forgotten: String
        package let time: Date
        package var associations = 0
        package var changes = 0
        /// The files in which the person was named.
        package var files: [String] = []
        /// Files that name the person and are left as they are: exports, and ledgers that were kept.
        package var left: [String] = []
    }

    /// The largest file that is looked into, in bytes.
    private static let mostBytes = 1 << 30
    private static let measured = [".hlog", ".hgrm"]

    private let ledger: Ledger
    private let owner: Owner
    private let name: OwnerID
    private let redaction: Redaction
    private let time: TimeSource

    /// - Parameter owner: who is taken out.
    package init?(_ owner: Owner, from ledger: Ledger, time: TimeSource) {
        guard let name = OwnerID(OwnerNames.forgotten()) else { return nil }
        self.ledger = ledger
        self.owner = owner
        self.name = name
        self.time = time
        let hidden = OwnerNames.hidden(secret: ledger.fingerprintKey.bytes).text(owner)
        redaction = Redaction([owner.id.text, hidden], by: name.text)
    }

    /// Takes the person out.
    ///
    /// Throws `RunFailure.notResumable` if a run that can go on has changes of the person to make, and what the ledger and the
    /// files throw. It can be done again.
    ///
    /// - Parameter inboxes: the folders of the jobs, with reports beside exports.
    package func erase(inboxes: [String]) throws(RunFailure) -> Receipt {
        do {
            if let run = try ledger.runsToDo(of: owner).first {
                throw RunFailure.notResumable(
                    "run \(run) can go on and has changes of this owner to make; resume it, or sync a later export first"
                )
            }
            var receipt = Receipt(forgotten: name.text, time: time.wall())
            // The files first: what names the person there is found by the id that is given, not by the ledger.
            for folder in reportFolders(inboxes) { try redact(in: folder, &receipt) }
            try redactWaitingRuns()
            (receipt.associations, receipt.changes) = try ledger.erase(owner, as: name) { redaction.text($0) }
            receipt.left = left(inboxes)
            return receipt
        } catch {
            throw RunFailure(error)
        }
    }

    private func reportFolders(_ inboxes: [String]) -> [String] {
        func folders(_ path: String, _ isMeant: (String) -> Bool = { _ in true }) -> [String] {
            let names = (try? FileSystem.names(in: path).names) ?? []
            return names.sorted().filter(isMeant).map { "\(path)/\($0)" }.filter {
                ((try? FileSystem.status($0, followingLinks: false)) ?? nil)?.kind == .folder
            }
        }
        return folders(ledger.folder + "/runs")
            + inboxes.flatMap { folders($0) }.flatMap { folders($0) { $0.hasSuffix(".report") } }
    }

    private func redact(in folder: String, _ receipt: inout Receipt) throws {
        for name in try FileSystem.names(in: folder).names.sorted()
        where !Self.measured.contains(where: name.hasSuffix) {
            let path = "\(folder)/\(name)"
            guard let status = try FileSystem.status(path, followingLinks: false), status.kind == .regular else {
                continue
            }
            let bytes = try OpenFile(path, for: .readingNoLink).contents(limit: Self.mostBytes)
            guard let changed = redaction.bytes(bytes) else { continue }
            try DurableFile.write(changed, to: path, permissions: status.permissions & 0o777)
            receipt.files.append(path)
        }
    }

    /// Runs that wait for a person show the owners who would lose the most.
    private func redactWaitingRuns() throws {
        let waiting = WaitingRuns(ledger)
        for run in waiting.all() where run.hardestHit.contains(where: { $0.owner.id == owner.id }) {
            var changed = run
            changed.hardestHit.removeAll { $0.owner.id == owner.id }
            try waiting.add(changed)
        }
    }

    /// What names the person and is not ours to change.
    private func left(_ inboxes: [String]) -> [String] {
        var left = ((try? FileSystem.names(in: ledger.folder).names) ?? []).filter { $0.hasPrefix("ledger-before-") }
            .sorted().map { "\(ledger.folder)/\($0)" }
        for inbox in inboxes {
            for place in [""] + ["/working", "/done", "/failed", "/superseded", "/waiting"] {
                for name in ((try? FileSystem.names(in: inbox + place).names) ?? []).sorted() {
                    let path = "\(inbox)\(place)/\(name)"
                    guard ((try? FileSystem.status(path, followingLinks: false)) ?? nil)?.kind == .regular,
                        let bytes = try? OpenFile(path, for: .readingNoLink).contents(limit: Self.mostBytes),
                        redaction.bytes(bytes) != nil
                    else { continue }
                    left.append(path)
                }
            }
        }
        return left
    }
}
