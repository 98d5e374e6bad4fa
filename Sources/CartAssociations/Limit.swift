/// A limit that a person sets as a number (`412`) or as a share (`20%`).
package enum Limit: Sendable, Hashable {
    case count(Int)
    /// A share from 0 to 1.
    case share(Double)

    /// Reads `N` or `N%`; nil for anything else, a negative number or a share above 100 %.
    package init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let percent = Double(text.dropLast()), (0...100).contains(percent) else { return nil }
            self = .share(percent / 100)
        } else {
            guard let count = Int(text), count >= 0 else { return nil }
            self = .count(count)
        }
    }
}

extension Limit {
    /// What was allowed, in words; nil if the limit is kept.
    ///
    /// - Parameters:
    ///   - whole: what a share is of.
    ///   - least: fewer than this never exceed a share.
    func exceeded(by count: Int, of whole: Int, least: Int) -> String? {
        switch self {
        case .count(let allowed): count > allowed ? Count.text(allowed) : nil
        case .share(let share): count >= least && Double(count) > share * Double(whole) ? percent(share) : nil
        }
    }
}

extension Limit: CustomStringConvertible {
    package var description: String {
        switch self {
        case .count(let count): String(count)
        case .share(let share): percent(share)
        }
    }
}

/// A share as a person reads it, for instance `20 %` or `0.4 %`.
package func percent(_ share: Double) -> String {
    let tenths = (share * 1000).rounded()
    let whole = tenths / 10
    return whole == whole.rounded() ? "\(Int(whole)) %" : "\(whole) %"
}
