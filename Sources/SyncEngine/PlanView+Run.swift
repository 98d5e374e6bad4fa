import CartAssociations
package import ExportFiles
import Ledger
import SyncReporting

extension PlanView.Counts {
    init(_ counts: RunRecord.PlanCounts) {
        self.init()
        creates = counts.creates
        deletes = counts.deletes
        kept = counts.kept
        duplicates = counts.duplicates
        rejected = counts.rejected
        unmanaged = counts.unmanaged
        protected = counts.protected
        withheld = counts.withheld
    }
}

extension RunOutcomes {
    /// Nothing of a plan was done.
    init(planned counts: PlanView.Counts) {
        self.init()
        create.pending = counts.creates
        delete.pending = counts.deletes
    }
}

extension DraftedPlan {
    private static let ownersShown = 10

    /// The owners who would lose the most carts.
    var hardestHit: [PlanView.OwnerLoss] {
        losses.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(Self.ownersShown).map {
            PlanView.OwnerLoss(owner: $0.key, deletes: $0.value)
        }
    }
}

extension ExportShape {
    /// The format in words, for instance `CSV, comma, UTF-8` or `XML, gzip, UTF-8`.
    package var sentence: String {
        var parts = [format.rawValue.uppercased()]
        switch delimiter {
        case ",": parts.append("comma")
        case ";": parts.append("semicolon")
        case "\t": parts.append("tab")
        case let other?: parts.append(String(other))
        case nil: break
        }
        if isCompressed { parts.append("gzip") }
        parts.append(encoding.rawValue.uppercased())
        return parts.joined(separator: ", ")
    }
}
