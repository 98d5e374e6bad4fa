package import CartAssociations
package import Foundation

/// What the ledger knows about one run.
package struct RunRecord: Sendable, Hashable, Codable, Identifiable {
    package enum State: String, Sendable, Hashable, CaseIterable, Codable {
        /// Reading, comparing, planning; nothing was written to the store.
        case planning
        /// The plan is complete and waits for approval, because a guard refused it.
        case refused
        /// Changes are being made; after a crash, the run can be resumed.
        case applying
        case finished
        /// Stopped before all changes were made; the run can be resumed.
        case stopped
        /// Ended by an error before any change was made.
        case failed
    }

    /// One export of the run.
    package struct Export: Sendable, Hashable, Codable {
        package var path: String
        /// The SHA-256 of the file's bytes, in hexadecimal; empty if it was not read to its end.
        package var digest: String
        package var records: Int
        var bytes: Int
        /// The time that counts for the order of the source's exports, since 1970; nil if it is not known.
        package var time: Duration?
        /// The owner kinds that its records name; nil if they are not known.
        package var ownerKinds: Set<OwnerKind>?
        /// The orders that its records are in; nil if they are not known.
        package var orders: RecordOrders?

        package init(
            path: String, digest: String, records: Int, bytes: Int, time: Duration? = nil,
            ownerKinds: Set<OwnerKind>? = nil, orders: RecordOrders? = nil
        ) {
            self.path = path
            self.digest = digest
            self.records = records
            self.bytes = bytes
            self.time = time
            self.ownerKinds = ownerKinds
            self.orders = orders
        }
    }

    package let id: String
    /// The command that was typed.
    package var command: String
    package var source: String
    package var exports: [Export] = []
    package var scope: DeletionScope
    /// Where the run learnt what exists; nil until it is chosen.
    package var current: CurrentSource?
    /// Why that was chosen.
    package var currentReason: String?
    package var started: Date
    package var ended: Date?
    package var state: State = .planning
    package var exitStatus: ExitStatus?
    /// Its changes that were rejected, failed or skipped; nil before its end.
    package var unsuccessful: Int?
    /// Why the run was refused, stopped or failed.
    package var reason: String?
    package var counts = PlanCounts()
    /// The digest of the saved plan that the run applies.
    package var savedPlan: String?
    /// What the guard saw of the plan; nil before it was accepted.
    package var figures: PlanFigures?
    /// The deletes that a person allowed for the run.
    package var approvedDeletes: Int?
    /// The ledger's revision when the run was stopped; at the same one nothing else has happened since.
    package var stoppedAt: Int64?
    /// The later run of the same source that makes a stopped run void.
    package var supersededBy: String?
    /// The run whose changes this one takes back.
    package var undone: String?

    package init(id: String, command: String, source: String, scope: DeletionScope, started: Date) {
        self.id = id
        self.command = command
        self.source = source
        self.scope = scope
        self.started = started
    }

    /// Whether `runs resume` can go on with it.
    package var isResumable: Bool { (state == .applying || state == .stopped) && supersededBy == nil }

    /// A new id: the time in UTC and four characters, for instance `20261121-101500-4f2a`. Ids sort by time, to the
    /// millisecond: the first two characters are the milliseconds in base 36, the last two are random.
    package static func makeID(at date: Date, using generator: inout some RandomNumberGenerator) -> String {
        let millisecond = milliseconds(of: date) % 1000
        let random = Int.random(in: 0..<36 * 36, using: &generator)
        return time(of: date) + "-" + twoDigits(millisecond) + twoDigits(random)
    }

    /// The time in UTC as ids begin with it, to the second.
    static func time(of date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        // The formatter rounds to the nearest millisecond, and so into the next second.
        return formatter.string(from: Date(timeIntervalSince1970: TimeInterval(milliseconds(of: date) / 1000)))
    }

    private static func milliseconds(of date: Date) -> Int { Int(date.timeIntervalSince1970 * 1000) }

    private static func twoDigits(_ number: Int) -> String {
        let digits = String(number, radix: 36)
        return digits.count < 2 ? "0" + digits : digits
    }
}
