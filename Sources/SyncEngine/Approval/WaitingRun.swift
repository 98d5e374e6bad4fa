package import CartAssociations
import Crypto
import DurableFiles
package import Foundation
package import SyncReporting

/// A run of the service that waits for a person: its export lies in `waiting/` until a person approves.
package struct WaitingRun: Codable, Sendable, Equatable, Identifiable {
    /// Why it waits.
    package enum Cause: String, Codable, Sendable {
        /// A guard refused its plan.
        case refused
        /// A person stopped it.
        case stopped
    }

    /// The run's id.
    package let id: String
    package let cause: Cause
    /// The job's source, whose earlier exports this one replaces.
    package let job: String
    /// The export's name in the inbox, without a folder.
    package let export: String
    /// The SHA-256 of the export's bytes, in hexadecimal.
    package let digest: String
    /// The export's size in bytes.
    package let bytes: Int
    package let since: Date
    /// What was planned.
    package var counts = PlanCounts()
    package var records = 0
    /// Every refusal; empty if a person stopped the run.
    package var refusals: [Refusal] = []
    /// What else is unusual about its plan, in sentences.
    package var warnings: [String] = []
    /// The owners who would lose the most carts, most first; hidden if reports hide owners.
    package var hardestHit: [PlanView.OwnerLoss] = []

    package init(
        id: String, cause: Cause, job: String, export: String, digest: String, bytes: Int, since: Date
    ) {
        self.id = id
        self.cause = cause
        self.job = job
        self.export = export
        self.digest = digest
        self.bytes = bytes
        self.since = since
    }

    /// Takes what a refused plan says.
    package mutating func take(_ plan: PlanView) {
        counts = plan.counts
        records = plan.exports.reduce(0) { $0 + $1.records }
        refusals = plan.refusals
        warnings = plan.warnings
        hardestHit = plan.hardestHit
    }

    /// The SHA-256 of all that a person is shown of it, in hexadecimal.
    var planDigest: String {
        // Texts, numbers and dates can always be encoded; a digest that is empty holds for nothing that was sealed.
        guard let bytes = try? SealedRecord.encoder.encode(self) else { return "" }
        return Hex.text(SHA256.hash(data: bytes))
    }

    /// The rules that a number of deletes lifts; the others stay.
    package static let liftedByNumber: Set<Refusal.Rule> = [.deletes, .owners, .volume, .window, .adopted]

    /// The refusals that no approval lifts.
    package var lasting: [Refusal] { refusals.filter { !Self.liftedByNumber.contains($0.rule) } }

    /// Why it waits, in a sentence.
    package var reason: String {
        switch cause {
        case .refused: refusals.map(\.sentence).joined(separator: "; ")
        case .stopped: "it was stopped by a person"
        }
    }

    /// The command that approves a run, wherever it is typed.
    ///
    /// - Parameter state: the state folder.
    package static func command(_ run: String, state: String) -> String {
        let path = URL(filePath: state).standardizedFileURL.path
        return "cartsync " + ["runs", "approve", "--state", path, run].map(ShellWord.quoted).joined(separator: " ")
    }

    /// The command that declines a run, wherever it is typed.
    ///
    /// - Parameter state: the state folder.
    package static func declineCommand(_ run: String, state: String) -> String {
        let path = URL(filePath: state).standardizedFileURL.path
        return "cartsync " + ["runs", "decline", "--state", path, run].map(ShellWord.quoted).joined(separator: " ")
    }

    /// What can be done if no number of deletes is enough.
    package static func advice(_ lasting: [Refusal]) -> String {
        let settings = Set(lasting.compactMap { $0.rule == .rejected ? $0.permission : nil }).sorted()
        let change = settings.map { " or set guard.\($0.dropFirst(2)) and start the service again," }.joined()
        return "correct the export and put it into the inbox again,\(change) and take this one out of waiting/"
    }

    /// What a person's approval of this run is.
    ///
    /// Throws `ApprovalRefused` if it cannot be approved, or not with this number.
    ///
    /// - Parameters:
    ///   - deletes: the most deletes that are allowed; nil allows exactly those of the plan.
    ///   - way: how the person has said so.
    package func approval(
        deletes: Int?, by way: Approval.Way, now: Date
    ) throws(ApprovalRefused) -> Approval {
        if let refusal = lasting.first { throw .notByNumber(run: id, refusal) }
        let needed = cause == .refused ? counts.deletes : 0
        if let deletes, deletes < needed { throw .tooFew(run: id, allowed: deletes, needed: needed) }
        return Approval(of: self, deletes: deletes ?? (cause == .refused ? needed : nil), by: way, given: now)
    }
}

/// A person's permission to go on with one waiting run: for its export as it is, once, and for a day.
package struct Approval: Codable, Sendable, Equatable {
    /// A day; what exists moves on.
    static let lifetime: TimeInterval = 24 * 3600

    /// How a person has given it.
    package enum Way: String, Codable, Sendable {
        /// `cartsync runs approve`.
        case command
        case http
    }

    let run: String
    /// The digest of the export that it holds for.
    let digest: String
    /// The digest of the plan that the person saw.
    let plan: String
    /// The most deletes that the new plan may have; nil permits no more than the guards do.
    package let deletes: Int?
    package let way: Way
    let given: Date

    /// - Parameter deletes: the most deletes that the new plan may have; nil permits no more than the guards do.
    package init(of waiting: WaitingRun, deletes: Int?, by way: Way, given: Date) {
        run = waiting.id
        digest = waiting.digest
        plan = waiting.planDigest
        self.deletes = deletes
        self.way = way
        self.given = given
    }

    package var expires: Date { given + Self.lifetime }

    /// What is approved, and for how long.
    package var sentence: String {
        let what = deletes.map { " with up to \(Count.text($0, "delete"))" } ?? ""
        return
            "run \(run) is approved\(what) until \(expires.formatted(.iso8601)); the service takes it at its next poll"
    }

    /// Whether it holds for a waiting run; a date of the future holds for nothing.
    func holds(for waiting: WaitingRun, now: Date) -> Bool {
        run == waiting.id && digest == waiting.digest && plan == waiting.planDigest && now < expires
            && given <= now + 60
    }
}

/// A person's word that a waiting run does not go on: its export is put aside, and nothing is changed.
package struct Decline: Codable, Sendable, Equatable {
    let run: String
    /// The digest of the export that it holds for.
    let digest: String
    package let way: Approval.Way
    let given: Date

    /// - Parameter way: how the person has said so.
    package init(of waiting: WaitingRun, by way: Approval.Way, given: Date) {
        run = waiting.id
        digest = waiting.digest
        self.way = way
        self.given = given
    }

    /// What follows from it.
    package var sentence: String {
        "run \(run) is declined; at its next poll the service puts the export into superseded/, and nothing is changed"
    }

    func holds(for waiting: WaitingRun) -> Bool { run == waiting.id && digest == waiting.digest }
}

/// Why a run is not approved.
package enum ApprovalRefused: Error, Equatable, Sendable, CustomStringConvertible {
    case notWaiting(run: String)
    case ambiguous(run: String, [String])
    case notByNumber(run: String, Refusal)
    case tooFew(run: String, allowed: Int, needed: Int)

    package var description: String {
        switch self {
        case .notWaiting(let run): "no run \(run) waits for approval"
        case .ambiguous(let run, let runs): RunName.words(run, fits: runs)
        case .notByNumber(let run, let refusal):
            "run \(run) cannot be approved: \(refusal.sentence), and no number of deletes allows that"
        case .tooFew(let run, let allowed, let needed):
            "run \(run) has \(Count.text(needed, "delete")), more than the \(Count.text(allowed)) that would be allowed"
        }
    }
}
