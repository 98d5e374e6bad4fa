import CartAssociations

/// What the content of an export says about the exports before it.
enum ExportContent: Sendable, Hashable {
    /// The full desired state of these owners: older snapshots of no others are void.
    case snapshot(of: Set<OwnerKind>)
    /// Only the changes that it names; never void.
    case delta
    /// It cannot be read: the run will say why.
    case unknown
}

/// Decides which of several waiting exports are void.
enum Supersession {
    /// Splits exports, the oldest first, into those to be synced and the snapshots that newer ones make void, since those
    /// speak for all their owner kinds. Both keep their order.
    ///
    /// What is not going to be applied, since parts of it are missing, makes nothing void.
    static func split(
        _ exports: [(entry: InboxEntry, content: ExportContent, isApplied: Bool)]
    ) -> (current: [InboxEntry], void: [InboxEntry]) {
        var covered: Set<OwnerKind> = []
        var current: [InboxEntry] = []
        var void: [InboxEntry] = []
        for (entry, content, isApplied) in exports.reversed() {
            guard case .snapshot(let kinds) = content else {
                current.append(entry)
                continue
            }
            // What speaks for nobody is void where anything newer speaks.
            if !covered.isEmpty, kinds.isSubset(of: covered) { void.append(entry) } else { current.append(entry) }
            if isApplied { covered.formUnion(kinds) }
        }
        return (current.reversed(), void.reversed())
    }
}
