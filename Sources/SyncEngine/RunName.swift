package import Ledger

/// How a person names a run: by its id, by the last part or the start of it, or as `latest` or `previous`.
///
/// The last part or the start has to fit one run only.
package enum RunName {
    package static let latest = "latest"
    package static let previous = "previous"
    /// Runs that a message about a name names.
    package static let mostShown = 5

    /// Why a name is not that of one run.
    package enum Problem: Error, Equatable, Sendable {
        case unknown
        /// The ids that it fits, the oldest first.
        case ambiguous([String])
    }

    /// The id that a name means.
    ///
    /// - Parameter ids: those of the runs that can be meant, the oldest first.
    package static func find(_ name: String, among ids: [String]) throws(Problem) -> String {
        if ids.contains(name) { return name }
        let fitting =
            switch name {
            case latest: ids.suffix(1)
            case previous: ids.dropLast().suffix(1)
            default: ids.filter { !name.isEmpty && ($0.hasSuffix("-" + name) || $0.hasPrefix(name)) }[...]
            }
        guard let id = fitting.first else { throw .unknown }
        guard fitting.count == 1 else { throw .ambiguous(Array(fitting)) }
        return id
    }

    /// What to say of a name that fits no run of a ledger: that such runs are removed, if it may have been one of them.
    package static func words(unknown name: String, in ledger: Ledger) -> String {
        let words = "the ledger in \(ledger.folder) knows no run \(name)"
        guard ![latest, previous].contains(name), let newest = try? ledger.newestRemovedRun(),
            // The last part of an id says nothing of its time.
            name.count < newest.count || name <= newest
        else { return words }
        return "\(words): runs until \(newest) are removed, since they are no longer kept (state.keep, state.keep-runs)"
    }

    /// What to say of a name that fits several runs: how many, and the newest of them.
    package static func words(_ name: String, fits ids: [String]) -> String {
        let more = ids.count > mostShown ? " and \(ids.count - mostShown) older" : ""
        return "\(ids.count) runs fit \(name): \(ids.suffix(mostShown).reversed().joined(separator: ", "))\(more)"
    }
}
