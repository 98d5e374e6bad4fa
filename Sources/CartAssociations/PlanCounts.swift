/// A plan in numbers: every association and record of the run, by what becomes of it.
package struct PlanCounts: Sendable, Hashable, Codable {
    package var creates = 0
    package var deletes = 0
    /// Wanted and already there.
    package var kept = 0
    /// Records that repeat an earlier one.
    package var duplicates = 0
    package var rejected = 0
    /// Existing, not wanted, outside the scope of deletes.
    package var unmanaged = 0
    /// Not deleted, because another source asserts them.
    package var protected = 0
    /// Not deleted, because what could not be read may name them, or something else leaves it in doubt.
    package var withheld = 0
    /// Not created, because what exists differs from them only in case; nil if there are none, and absent from JSON then.
    package var caseChanged: Int?

    /// Creates that first create a missing cart; nil if there are none, and absent from JSON then.
    package var newCarts: Int?

    package init() {}

    package var changes: Int { creates + deletes }
    /// Whether something is wanted or unwanted, and left as it is because of doubt.
    package var hasWithheld: Bool { withheld > 0 || caseChanged != nil }
    /// Calls that the changes take at most, without repetitions.
    package var calls: Int { changes + (newCarts ?? 0) }
}
