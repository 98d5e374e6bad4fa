import Foundation
import GRDB

/// One version of an export that a source was seen to have. Times are since 1970, to the millisecond.
package struct SeenExport: Sendable, Hashable {
    /// Its name in the source.
    package let name: String
    /// What the source says of the version, in words that differ for each.
    package let version: String
    /// The time of its last change, as the source states it; nil if it does not.
    package var stated: Duration?
    /// The time that counts for the order of the source's exports.
    package var time: Duration
    package let firstSeen: Duration
    package var lastSeen: Duration
    /// In bytes; nil before it came.
    package var size: Int?
    /// The SHA-256 of its bytes in hexadecimal; nil before it came.
    package var digest: String?
    /// Whether it came and has its place in the inbox.
    package var isFetched = false
    /// Attempts to fetch it that failed in a row.
    package var failures = 0
    /// Before this it is not asked for again.
    package var nextAttempt: Duration?
    /// Why the last attempt failed.
    package var problem: String?

    package init(
        name: String, version: String, stated: Duration?, time: Duration, firstSeen: Duration
    ) {
        self.name = name
        self.version = version
        self.stated = stated?.inWholeMilliseconds
        self.time = time.inWholeMilliseconds
        self.firstSeen = firstSeen.inWholeMilliseconds
        lastSeen = self.firstSeen
    }
}

extension Ledger {
    /// Everything that was seen of a source and is still remembered, in the order in which it was first seen.
    package func seenExports(of source: String) throws(LedgerError) -> [SeenExport] {
        try reading("read the exports that were seen") { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM seen_export WHERE source = ? ORDER BY first_seen, name, version",
                arguments: [source])
            return rows.map { row in
                func time(_ column: String) -> Duration? { (row[column] as Int64?).map(Duration.milliseconds) }
                var seen = SeenExport(
                    name: row["name"], version: row["version"], stated: time("stated"), time: time("time") ?? .zero,
                    firstSeen: time("first_seen") ?? .zero)
                seen.lastSeen = time("last_seen") ?? .zero
                (seen.size, seen.digest) = (row["size"], row["digest"])
                (seen.isFetched, seen.failures) = (row["is_fetched"], row["failures"])
                seen.nextAttempt = time("next_attempt")
                seen.problem = row["problem"]
                return seen
            }
        }
    }

    /// Remembers what is seen of a source now, and forgets what is not to be remembered, in one transaction.
    package func recordSeen(
        _ exports: [SeenExport], forgetting forgotten: [SeenExport], of source: String
    ) throws(LedgerError) {
        guard !exports.isEmpty || !forgotten.isEmpty else { return }
        try noting("remember the exports that were seen") { db in
            for export in forgotten {
                try db.execute(
                    sql: "DELETE FROM seen_export WHERE source = ? AND name = ? AND version = ?",
                    arguments: [source, export.name, export.version])
            }
            for export in exports {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO seen_export VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        source, export.name, export.version, export.stated?.milliseconds, export.time.milliseconds,
                        export.firstSeen.milliseconds, export.lastSeen.milliseconds, export.size, export.digest,
                        export.isFetched, export.failures, export.nextAttempt?.milliseconds, export.problem,
                    ])
            }
        }
    }

    /// Remembers that the bytes of an applied export came again, with a newer time.
    ///
    /// They count as of that time: what was made in between is older.
    package func recordAgain(_ digest: String, of run: String, time: Duration) throws(LedgerError) {
        try noting("remember an export that came again") { db in
            try db.execute(
                sql: "UPDATE export SET time = ? WHERE run = ? AND digest = ? AND time < ?",
                arguments: [time.milliseconds, try Self.number(db, of: run), digest, time.milliseconds])
        }
    }
}

extension Duration {
    /// The whole milliseconds, rounded down.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let part = attoseconds / 1_000_000_000_000_000
        let isCut = attoseconds < 0 && attoseconds % 1_000_000_000_000_000 != 0
        return seconds * 1000 + part - (isCut ? 1 : 0)
    }

    /// As exact as the ledger remembers times: rounded down to whole milliseconds.
    package var inWholeMilliseconds: Duration { .milliseconds(milliseconds) }
}
