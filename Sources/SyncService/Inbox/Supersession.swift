/// What the content of an export says about the exports before it.
enum ExportContent: Sendable, Hashable {
    /// The full desired state of this kind, for instance of the customers: older snapshots of the kind are void.
    case snapshot(kind: String)
    /// Only the changes that it names; never void.
    case delta
    /// It cannot be read: the run will say why.
    case unknown
}

/// Decides which of several waiting exports are void.
enum Supersession {
    /// Splits exports, the oldest first, into those to be synced and the snapshots that a newer one of their kind
    /// makes void. Both keep their order.
    static func split(
        _ exports: [(entry: InboxEntry, content: ExportContent)]
    ) -> (current: [InboxEntry], void: [InboxEntry]) {
        var newest: Set<String> = []
        var current: [InboxEntry] = []
        var void: [InboxEntry] = []
        for (entry, content) in exports.reversed() {
            if case .snapshot(let kind) = content, !newest.insert(kind).inserted {
                void.append(entry)
            } else {
                current.append(entry)
            }
        }
        return (current.reversed(), void.reversed())
    }
}
