import AssociationDiff
import CallPacing
import CartAssociations
import DurableFiles
import ExportFiles
import Foundation
import Ledger
import SyncReporting

/// Reads the file of a saved plan, line by line.
struct SavedPlanReader {
    let header: SavedPlan
    private let path: String
    private var lines: LineReader
    private let decoder: JSONDecoder
    private let headerBytes: Data

    /// Opens the file and reads its header.
    init(_ path: String) throws(SavedPlanError) {
        self.path = path
        decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .millisecondsSince1970
        lines = try LineReader(path)
        guard let first = try lines.next(), let header = try? decoder.decode(SavedPlan.self, from: first) else {
            throw SavedPlanError(
                .malformed, path, "this is no saved plan", advice: "give a file that cartsync plan --out has written")
        }
        guard header.cartsyncPlan == SavedPlan.currentFormat else {
            throw SavedPlanError(.malformed, path, "another version of cartsync has made this plan")
        }
        headerBytes = first
        self.header = header
    }

    /// Visits every change and note; they can be trusted only after this returns.
    ///
    /// Throws `SavedPlanError` if the file is not as it was written, and whatever the visitor throws.
    mutating func read(ledgerKey: [UInt8], visit: (SavedPlanLine) throws -> Void) throws {
        let newline = Data([UInt8(ascii: "\n")])
        var seal = Seal(key: Seal.key(for: .savedPlan, ledgerKey: ledgerKey))
        seal.add(headerBytes)
        seal.add(newline)
        var count = 0
        // A line is known to be the last one only when no other follows.
        var present = try lines.next()
        while let line = present {
            let following = try lines.next()
            guard following != nil else {
                guard lines.isWhole, let end = try? decoder.decode(SavedPlanEnd.self, from: line) else { throw cut }
                guard end.lines == count && seal.matches(end.seal) else {
                    throw SavedPlanError(.altered, path, "the plan is not as it was written")
                }
                return
            }
            seal.add(line)
            seal.add(newline)
            count += 1
            guard let change = try? decoder.decode(SavedPlanLine.self, from: line) else {
                throw SavedPlanError(.altered, path, line: count + 1, "this line is not as it was written")
            }
            try visit(change)
            present = following
        }
        throw cut
    }

    /// The plan that a file holds.
    ///
    /// Throws `SavedPlanError` if it no longer fits the ledger or the exports, or is not as it was written.
    mutating func plan(for tools: RunTools) throws -> RunPlan {
        let ledger = tools.ledger
        try judge(ledger, now: tools.time.wall())
        let key = ledger.fingerprintKey
        let changes = ledger.draftPlan(for: tools.run)
        let notes = LedgerNotes(ledger, source: header.view.source, run: tools.run)
        try read(ledgerKey: ledger.fingerprintKey.bytes) { line in
            if tools.stop.isStopped { throw RunFailure.stopped }
            let association = line.association
            let fingerprint = key.fingerprint(association)
            switch line.kind {
            case .create:
                try changes.add(
                    Change(
                        .create, association, place: line.place, newCart: line.newCart, withheld: line.withheld),
                    fingerprint)
            case .delete:
                try changes.add(
                    Change(.delete, association, place: line.place, withheld: line.withheld), fingerprint)
            case .assert:
                try notes.assertions.add(association, fingerprint, place: line.place, confirmation: line.confirmation)
            case .retract: try notes.retractions.add(association, fingerprint)
            case .vanished: try notes.vanished.add(association, fingerprint)
            case .seen: try notes.confirmed.add(association, fingerprint)
            }
        }
        return RunPlan(
            view: header.view, figures: header.figures, exports: header.exports, isDelta: header.isDelta,
            rejected: header.rejected, changes: changes, notes: notes, hardestHit: try changes.hardestHit().most,
            savedPlan: header.id)
    }

    /// Says which of its bindings the plan no longer fits; the seal is judged while it is read.
    private func judge(_ ledger: Ledger, now: Date) throws {
        let saved = header
        guard saved.store == ledger.store else {
            throw SavedPlanError(
                .otherStore, path, "the plan was made for \(saved.store), and the settings name \(ledger.store)",
                advice: "use the settings of that store, or make a plan for this one")
        }
        guard saved.ledger == ledger.id else {
            throw SavedPlanError(
                .otherLedger, path, "the plan was made in another state folder",
                advice: "name that folder with --state, or make the plan again here")
        }
        if let run = try ledger.run(applying: saved.id) {
            throw SavedPlanError(.used, path, "the plan was applied before, by run \(run.id)")
        }
        guard now < saved.expires else {
            throw SavedPlanError(.expired, path, "the plan expired at \(saved.expires.formatted(.iso8601))")
        }
        guard try ledger.revision() == saved.revision else {
            throw SavedPlanError(.stale, path, "another run has changed the ledger since the plan was made")
        }
        for export in saved.exports where export.path != ExportFile.standardInput {
            guard FileSystem.exists(export.path) else { continue }
            guard try ExportFile.open(export.path, spoolFolder: "").sha256() == export.digest else {
                throw SavedPlanError(.stale, path, "\(export.path) has changed since the plan was made")
            }
        }
    }

    private var cut: SavedPlanError { SavedPlanError(.altered, path, "the end of the plan is missing") }
}

/// The lines of a file, without their ends.
struct LineReader {
    private let path: String
    private let file: OpenFile
    private var buffer = Data()
    private var isAtEnd = false
    /// Whether every line so far had its end.
    private(set) var isWhole = true

    private var block = [UInt8](repeating: 0, count: 1 << 18)
    /// A header holds samples, settings and paths; no line of a saved plan is longer.
    private static let longest = 16 << 20

    init(_ path: String) throws(SavedPlanError) {
        self.path = path
        let status = (try? FileSystem.status(path)).flatMap(\.self)
        guard let status, status.kind != .folder, let file = try? OpenFile(path, for: .reading) else {
            let problem =
                status?.kind == .folder
                ? "this is a folder" : status == nil ? "there is no such file" : "the plan cannot be read"
            throw SavedPlanError(.unreadable, path, problem, advice: "check the path and its permissions")
        }
        self.file = file
    }

    /// The next line; nil at the end of the file.
    mutating func next() throws(SavedPlanError) -> Data? {
        var searched = buffer.startIndex
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer = buffer[(end + 1)...] }
                return buffer[..<end]
            }
            if isAtEnd {
                defer { buffer = Data() }
                guard !buffer.isEmpty else { return nil }
                isWhole = false
                return buffer
            }
            guard buffer.count <= Self.longest else {
                throw SavedPlanError(.malformed, path, "this is no saved plan")
            }
            let unread = buffer.count
            buffer = Data(buffer)
            searched = unread
            let file = file
            do throws(FileError) {
                var span = block.mutableSpan
                let count = try file.read(into: &span)
                isAtEnd = count == 0
                buffer.append(contentsOf: block[..<count])
            } catch {
                throw SavedPlanError(
                    .unreadable, path, "the plan cannot be read: \(error.reason)",
                    advice: "check the disk and the path's permissions")
            }
        }
    }
}
