import CartAssociations
import Foundation

/// Where the exports of a snapshot end, if they are sorted: what lies behind an end may be missing because an export was
/// cut on the boundary of two records.
///
/// First everything that the source asserted before and the snapshot does not name is counted; then `reason` says what may
/// not be deleted.
struct ExportEnds {
    /// This much of what the source asserted may lie behind an end without doubt.
    private static let share = 0.01
    /// Fewer than this leave no doubt either.
    private static let fewest = 5

    private var orders: [Candidate]
    private let hidesOwners: Bool

    /// - Parameters:
    ///   - isWhole: by export, whether something vouches for its end.
    ///   - known: the orders that the source's last snapshot was in; nil if they are not known.
    init(_ ranges: KeyRanges, isWhole: [Bool], known: RecordOrders?, hidesOwners: Bool) {
        self.hidesOwners = hidesOwners
        orders = RecordOrder.all.compactMap { order in
            guard known?.contains(order.alone) ?? true else { return nil }
            return Candidate(order, ranges, isWhole: isWhole)
        }
    }

    /// Whether any export may end too early.
    var areOpen: Bool { !orders.isEmpty }

    /// Counts an association that the source asserted before and the snapshot does not name.
    mutating func count(_ association: Association) {
        for index in orders.indices { orders[index].count(association) }
    }

    /// Decides, after the last association is counted, which ends are doubtful.
    ///
    /// - Parameter assertedBefore: how many associations the source asserted before.
    mutating func settle(assertedBefore: Int) {
        orders.removeAll { $0.behind < Self.fewest || Double($0.behind) <= Self.share * Double(assertedBefore) }
    }

    /// Why an association may not be deleted because of its absence; nil if it does not lie behind a doubtful end.
    func reason(_ association: Association) -> String? {
        orders.lazy.compactMap { $0.gap(association) }.first.map { sentence($0) + ", so it may be cut" }
    }

    /// What a person should know before the plan is applied; nil if no end is doubtful. It names no owner.
    var warning: String? {
        guard let order = orders.first else { return nil }
        return
            "the export is sorted by \(order.keyName) and ends before \(Count.text(order.behind, "association")) that earlier "
            + "ones had, so it may be cut, unless a manifest, a checksum or a trailer with the number of records vouches for it"
    }

    private func sentence(_ gap: Gap) -> String {
        let farthest = gap.farthest.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let (name, last) = (gap.name, String(decoding: gap.lower, as: UTF8.self))
        if hidesOwners && gap.key == .owner {
            return "the export ends before the last \(name)s that earlier ones went on to"
        }
        guard let upper = gap.upper else {
            return "the export ends at \(name) \(last), earlier ones went on to \(farthest)"
        }
        let next = String(decoding: upper, as: UTF8.self)
        return
            "an export ends at \(name) \(last) and the next one begins at \(next), earlier ones had \(farthest) in between"
    }
}

/// What lies behind the end of an export: keys after `lower` and before `upper`.
private struct Gap {
    let key: RecordOrder.Key
    let kind: OwnerKind
    var lower: [UInt8]
    /// Nil if no other export goes on there.
    var upper: [UInt8]?
    /// The farthest key that was counted in it.
    var farthest: [UInt8]?
    var count = 0

    var name: String { key == .owner ? kind.rawValue : "cart" }
}

/// One order that all exports are in, and what lies behind their ends in it.
private struct Candidate {
    private let order: RecordOrder
    /// By kind, in the order of their lower ends; no two of a kind have a key in common.
    private var gaps: [OwnerKind: [Gap]] = [:]
    private(set) var behind = 0

    /// nil if some export is in another order, or something vouches for all of them.
    init?(_ order: RecordOrder, _ ranges: KeyRanges, isWhole: [Bool]) {
        self.order = order
        for kind in OwnerKind.allCases {
            var parts: [(first: [UInt8], last: [UInt8], isWhole: Bool)] = []
            for (export, ofExport) in ranges.parts.enumerated() {
                for part in ofExport where part.kind == kind && part.key == order.key {
                    guard let first = part.first else { continue }
                    guard part.orders.contains(order.alone) else { return nil }
                    parts.append((first, part.last, isWhole.indices.contains(export) && isWhole[export]))
                }
            }
            parts.sort { order.isBefore($0.first.span, $1.first.span) }
            let open = parts.filter { !$0.isWhole }.map { part in
                // Parts are sorted by their beginnings: the next one is the first that begins behind the end.
                let next = parts.firstIndexBinary { order.isBefore(part.last.span, $0.first.span) }
                return Gap(key: order.key, kind: kind, lower: part.last, upper: next.map { parts[$0].first })
            }
            if !open.isEmpty { gaps[kind] = Self.merged(open, order) }
        }
        if gaps.isEmpty { return nil }
    }

    private static func merged(_ gaps: [Gap], _ order: RecordOrder) -> [Gap] {
        var merged: [Gap] = []
        for gap in gaps.sorted(by: { order.isBefore($0.lower.span, $1.lower.span) }) {
            // No export begins between the ends of a gap: one that begins in another ends with it.
            if let before = merged.last, before.upper.map({ order.isBefore(gap.lower.span, $0.span) }) ?? true {
                continue
            }
            merged.append(gap)
        }
        return merged
    }

    /// The gap that a key lies in, or at the beginning of; nil outside of all.
    private func index(_ key: Span<UInt8>, _ kind: OwnerKind) -> Int? {
        guard let gaps = gaps[kind] else { return nil }
        let next = gaps.firstIndexBinary { order.isBefore(key, $0.lower.span) } ?? gaps.count
        guard next > 0 else { return nil }
        if let upper = gaps[next - 1].upper, !order.isBefore(key, upper.span) { return nil }
        return next - 1
    }

    private func text(_ association: Association) -> String {
        order.key == .owner ? association.owner.id.text : association.cart.text
    }

    mutating func count(_ association: Association) {
        let kind = association.owner.kind
        let key = Array(text(association).utf8)
        guard let index = index(key.span, kind), var gap = gaps[kind]?[index] else { return }
        // The last owner's carts, or the last cart's owners, may be cut too, and tell nothing of the end.
        guard order.isBefore(gap.lower.span, key.span) else { return }
        behind += 1
        gap.count += 1
        if gap.farthest.map({ order.isBefore($0.span, key.span) }) ?? true { gap.farthest = key }
        gaps[kind]?[index] = gap
    }

    func gap(_ association: Association) -> Gap? {
        let kind = association.owner.kind
        let key = Array(text(association).utf8)
        guard let index = index(key.span, kind), let gap = gaps[kind]?[index], gap.count > 0 else { return nil }
        return gap
    }

    /// What the records are sorted by, in a word.
    var keyName: String { order.key == .owner ? "owner" : "cart" }
}

extension Array {
    /// The first index from which on a condition holds, if it holds from some index on; nil if it never does.
    fileprivate func firstIndexBinary(where holds: (Element) -> Bool) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low < count ? low : nil
    }
}
