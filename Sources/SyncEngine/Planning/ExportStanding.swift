package import CartAssociations
import Foundation
package import Ledger

/// What the exports that a source has applied say about another one of it.
package enum ExportStanding: Sendable, Hashable {
    /// It is to be applied.
    case next
    /// It has the bytes of the export that was applied last.
    case sameAsLast(run: String)
    /// Its bytes were applied, and it is not newer than that.
    case appliedBefore(AppliedExports.Export)
    /// A newer snapshot was applied, so its changes would take back what that one says.
    case older(than: AppliedExports.Export)
    /// Its time is one whose runs are removed: whether it was applied is unknown.
    case beforeMemory(until: Duration)

    /// - Parameters:
    ///   - digests: of its files, in their order.
    ///   - time: the time that counts for its order, since 1970; nil if nothing tells.
    ///   - repeatsIncomplete: whether the bytes of the export that was applied last are applied again if that run did not
    ///     succeed in everything.
    ///   - ownerKinds: the owner kinds that its records name; asked only if a newer snapshot was applied.
    package init(
        of digests: [String], time: Duration?, after applied: AppliedExports, repeatsIncomplete: Bool = false,
        ownerKinds: () -> Set<OwnerKind>
    ) {
        let time = time?.inWholeMilliseconds
        if let same = applied.sameBytes, let time, time <= same.time {
            self = .appliedBefore(same)
        } else if let last = applied.last, last.digests == digests, !repeatsIncomplete || last.isComplete {
            self = .sameAsLast(run: last.run)
        } else if let time, applied.snapshots.contains(where: { $0.export.time > time }),
            let newer = applied.snapshot(newerThan: time, of: ownerKinds())
        {
            self = .older(than: newer)
        } else if let time, let until = applied.removedUntil, time <= until {
            self = .beforeMemory(until: until)
        } else {
            self = .next
        }
    }

    /// Why it is not applied; nil if it is.
    package var reason: String? {
        switch self {
        case .next: nil
        case .sameAsLast(let run): "it has the bytes of the export that was applied last, by run \(run)"
        case .appliedBefore(let export): "its bytes were applied before, by run \(export.run), and it is not newer"
        case .older(let export): "it is older than a snapshot of its source that was applied, by run \(export.run)"
        case .beforeMemory(let until):
            "it is not newer than \(Date(timeIntervalSince1970: until / .seconds(1)).formatted(.iso8601)), and runs of its "
                + "source that applied exports until then are no longer kept (state.keep), so that it may have been applied"
        }
    }
}

extension AppliedExports {
    /// The newest of the snapshots that are newer than a time and speak for one of these owner kinds; nil if there is none.
    func snapshot(newerThan time: Duration, of kinds: Set<OwnerKind>) -> Export? {
        let time = time.inWholeMilliseconds
        let newer = snapshots.filter { $0.export.time > time && !$0.ownerKinds.isDisjoint(with: kinds) }
        return newer.map(\.export).max { $0.time < $1.time }
    }
}

extension AppliedExports.Last {
    /// Whether it succeeded in everything.
    fileprivate var isComplete: Bool { exitStatus == .done || exitStatus == .objectiveCrossed }
}
