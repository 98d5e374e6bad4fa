import DurableFiles

/// The small file beside the ledger by which a ledger that was lost, emptied, swapped or put back from an older copy
/// is told from one that never was.
struct LedgerMarker: Sendable {
    /// What the file says.
    struct Contents: Hashable {
        /// The ledger's own random id, in hexadecimal.
        var ledger: String
        /// The ledger's revision at the beginning or end of its last run; it never goes back.
        var revision: Int64
    }

    private let files: LedgerFiles
    private let ledger: String

    /// Reads the marker; nil if there is none.
    static func read(_ files: LedgerFiles) throws(LedgerError) -> Contents? {
        guard FileSystem.exists(files.marker) else { return nil }
        guard let bytes = try? FileSystem.contents(files.marker, limit: 4096) else {
            throw LedgerError(
                .storage, path: files.marker, problem: "the ledger's marker cannot be read",
                advice: "make sure that you may read it, then run the command again")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
        guard lines.count == 3, lines[1].count == 2, lines[1][0] == "ledger", lines[2].count == 2,
            lines[2][0] == "revision", let revision = Int64(lines[2][1])
        else {
            throw LedgerError(
                .damaged, path: files.marker, problem: "the ledger's marker is damaged",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
        return Contents(ledger: String(lines[1][1]), revision: revision)
    }

    /// Compares marker and ledger, and writes the marker if it is missing.
    static func agree(
        _ expected: Contents?, with identity: LedgerIdentity, files: LedgerFiles
    ) throws(LedgerError) -> LedgerMarker {
        let marker = LedgerMarker(files: files, ledger: identity.ledger)
        guard let expected else {
            try marker.advance(to: identity.revision)
            return marker
        }
        guard expected.ledger == identity.ledger else {
            throw LedgerError(
                .damaged, path: files.database, problem: "another ledger was put in the place of this folder's own",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
        guard expected.revision <= identity.revision else {
            throw LedgerError(
                .damaged, path: files.database,
                problem: "an older copy of the ledger was put back: it is at revision \(identity.revision), "
                    + "and this folder was at \(expected.revision)",
                advice: LedgerError.rebuildAdvice(files.folder))
        }
        return marker
    }

    /// Remembers that the ledger has reached a revision; the ledger itself must have it durably already.
    func advance(to revision: Int64) throws(LedgerError) {
        let text = """
            cartsync: keep this file beside \(LedgerFiles.databaseName)
            ledger \(ledger)
            revision \(revision)

            """
        try StateFolder.replace(files.marker, with: text)
    }
}
