import CartAssociations
import ExportFiles

/// What the export leaves in doubt: nothing that a rejected record names may be deleted because of its absence.
struct NamesInDoubt {
    private var carts: Set<String> = []
    private var owners: Set<String> = []
    /// Whether a record was rejected whose names could not be read at all, or too many were, or the export may have been
    /// cut.
    private(set) var concernsEverything = false

    /// As many names as are told apart: an export with more broken records is not believed in what it leaves out.
    static let limit = 100_000

    mutating func add(_ record: RejectedRecord) {
        // Either name is enough to know what the record was about; without one it may be about any association.
        if (record.cart == nil && record.owner == nil) || max(carts.count, owners.count) >= Self.limit {
            concernsEverything = true
        }
        guard !concernsEverything else { return }
        if let cart = record.cart { carts.insert(cart) }
        if let owner = record.owner { owners.insert(owner) }
    }

    mutating func mayBeCut() { concernsEverything = true }

    func includes(_ association: Association) -> Bool {
        concernsEverything || carts.contains(association.cart.text) || owners.contains(association.owner.id.text)
    }
}
