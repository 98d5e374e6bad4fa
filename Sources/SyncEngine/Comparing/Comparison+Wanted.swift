import AssociationDiff
import CartAssociations
import DequeModule
import ExportFiles
import Ledger

extension Comparison {
    func needsSecondReading(_ difference: Difference, _ first: FirstReading) -> Bool {
        !difference.missing.isEmpty || !difference.unasserted.isEmpty || exports.isDelta
            || !difference.contradictory.isEmpty || first.hasSharedCarts || exports.rejected > 0
    }

    /// Reads the exports again; only records of the difference are decoded.
    mutating func readAgain(_ difference: Difference, _ first: inout FirstReading) throws {
        var comparison = self
        var doubts = first
        var position = 0
        var export = 0
        // Picked records that were not yet asked about.
        var picked = Deque<Int>()
        // Visits come in the order of the selections, and maybe some records later.
        var selected = Deque<(position: Int, fingerprint: Fingerprint)>()
        let starts = first.starts
        func differs(_ position: Int) -> Bool {
            difference.missing.contains(position) || difference.unasserted.contains(position)
                || difference.contradictory.contains(position)
        }
        // A delta and a cart with two owners are judged record by record.
        let canPick = !exports.isDelta && !doubts.hasSharedCarts
        func pick(_ export: Int, _ record: Int) -> Bool {
            let position = starts[export] + record - 1
            guard differs(position) else { return false }
            picked.append(position)
            return true
        }
        try exports.read(picking: canPick ? pick : nil) { kind, action, owner, cart in
            let present = picked.popFirst() ?? position
            position = present + 1
            let isWanted = differs(present) || action != nil || doubts.isShared(cart: cart)
            if isWanted { selected.append((present, comparison.key.fingerprint(kind, owner: owner, cart: cart))) }
            return isWanted
        } visit: { index, record in
            switch record {
            case .rejected(let record): try comparison.rejects.add(record, of: index)
            case .usable(let record):
                let fingerprint = comparison.key.fingerprint(record.association)
                // A record may turn out to be unusable only when it is decoded: it is passed over here.
                while let next = selected.popFirst() {
                    guard next.fingerprint == fingerprint else { continue }
                    return try comparison.take(record, fingerprint, at: next.position, of: index, difference, &doubts)
                }
                throw RunFailure.bug("line \(record.place.line) of the export was read that nobody asked for")
            }
        } endOfExport: {
            export += 1
            position = starts[export]
        }
        self = comparison
        first = doubts
    }

    private mutating func take(
        _ record: ExportRecord, _ fingerprint: Fingerprint, at position: Int, of index: Int, _ difference: Difference,
        _ first: inout FirstReading
    ) throws {
        let association = record.association
        let isMissing = difference.missing.contains(position)
        // Where nobody knows whether the cart is there, the run finds out.
        let needsCart =
            isMissing && options.createsCarts && record.cartName != nil && !current.carts.contains(association.cart)
        let newCart =
            needsCart ? NewCart(name: record.cartName ?? "", description: record.cartDescription) : nil
        let badName =
            needsCart && newCart == nil
            ? RejectReason(
                .badCartName,
                "cart \(association.cart) is to be created, and its name or description is not 1 to "
                    + "\(NewCart.mostCharacters) characters")
            : nil
        if let reason = conflict(association, difference.contradictory.contains(position), first) ?? badName {
            let rejected = RejectedRecord(
                place: record.place, reason: reason, raw: record.raw, cart: association.cart.text,
                owner: association.owner.id.text)
            try rejects.add(rejected, of: index, isConflict: true)
            first.doubt(rejected)
            let isRepeated = difference.repeated.contains(position)
            if isRepeated && !difference.contradictory.contains(position) { duplicates[index] -= 1 }
            return
        }
        if isMissing {
            let change = Change(.create, association, place: record.place, newCart: newCart)
            try plan.add(change, fingerprint)
        }
        // What a delta names is asserted anew, so that an earlier run that was stopped does not come back to it.
        if difference.unasserted.contains(position) || record.action == .create {
            let isSeen = !isMissing && current.source == .api
            try notes.assertions.add(
                association, fingerprint, place: record.place, confirmation: isSeen ? .listed : nil)
        }
        if record.action == .delete && !difference.repeated.contains(position) {
            try takeDelete(
                record, fingerprint, isSeen: difference.unwantedExisting.contains(position), first.doubts)
        }
    }

    /// Judges what a delta says to delete.
    private mutating func takeDelete(
        _ record: ExportRecord, _ fingerprint: Fingerprint, isSeen: Bool, _ doubts: Doubts
    ) throws {
        let association = record.association
        let sources = try ledger.association(association)?.sources ?? []
        // Without a complete listing nobody knows that it is gone, and the export names it.
        let mayExist = isSeen || current.source != .api || !current.isComplete
        // The record names the owner itself.
        if mayExist {
            try plan.judge(
                association, fingerprint, place: record.place, sources: sources, isOwnerNamed: true, doubts)
        }
        let isAssertedElsewhere = sources.contains { $0 != options.source }
        if sources.contains(options.source) && (isAssertedElsewhere || !mayExist) {
            try notes.retractions.add(association, fingerprint)
        }
    }

    private func conflict(_ association: Association, _ isContradictory: Bool, _ first: FirstReading) -> RejectReason? {
        if isContradictory { return .createAndDelete(association) }
        guard first.isShared(association.cart) else { return nil }
        return RejectReason(
            .conflict, "cart \(association.cart) has two owners in the export, and may have only one")
    }
}
