import CartAssociations
package import ExportFiles
import Ledger
import SyncReporting

extension RunOutcomes {
    /// Nothing of a plan was done.
    init(planned counts: PlanCounts) {
        self.init()
        create.pending = counts.creates
        delete.pending = counts.deletes
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
