import CartAssociations

/// How the owners were found whose keys the exports have in the place of ids.
package struct OwnerLookups: Codable, Sendable, Equatable {
    /// Different keys.
    package var keys = 0
    /// Found in the crosswalk.
    package var fromCrosswalk = 0
    /// Found in the ledger, where earlier lookups are remembered.
    package var remembered = 0
    /// Found in the store.
    package var asked = 0
    /// Keys that stand for nobody.
    package var unknown = 0
    /// Keys that stand for several owners.
    package var ambiguous = 0
    /// Calls that looked owners up.
    package var calls = 0
    /// The lists of the store that were read as a whole, in words.
    package var lists: [String] = []

    package init() {}

    /// What was done, for instance `1,200 keys: 1,000 from the crosswalk, 150 remembered, 50 asked of the store (50 calls)`.
    package var sentence: String {
        var parts: [String] = []
        if fromCrosswalk > 0 { parts.append("\(Count.text(fromCrosswalk)) from the crosswalk") }
        if remembered > 0 { parts.append("\(Count.text(remembered)) remembered") }
        if asked > 0 { parts.append("\(Count.text(asked)) found in the store") }
        if unknown > 0 { parts.append("\(Count.text(unknown)) of nobody") }
        if ambiguous > 0 { parts.append("\(Count.text(ambiguous)) of several owners") }
        let how = lists.isEmpty ? "" : ", the whole list of \(lists.joined(separator: " and "))"
        let made = calls > 0 ? " (\(Count.text(calls, "call"))\(how))" : ""
        return "\(Count.text(keys, "key")): \(parts.joined(separator: ", "))\(made)"
    }
}
