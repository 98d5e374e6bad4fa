import CartAssociations

/// How the owners were found whose keys the exports have in the place of ids.
package struct OwnerLookups: Codable, Sendable, Equatable {
    /// How a list of the store is asked.
    package struct Asking: Codable, Sendable, Equatable {
        /// The list in words.
        package let list: String
        /// The keys that are looked for.
        package let keys: Int
        /// About how many calls it takes.
        package let calls: Int
        /// Whether all of the list is read.
        package let isWhole: Bool

        package init(list: String, keys: Int, calls: Int, isWhole: Bool) {
            self.list = list
            self.keys = keys
            self.calls = calls
            self.isWhole = isWhole
        }

        /// For instance `1,000,000 keys by reading the whole list of customers, about 10,001 calls`.
        package var sentence: String {
            isWhole
                ? "\(Count.text(keys, "key")) by reading the whole list of \(list), about \(Count.text(calls, "call"))"
                : "\(Count.text(keys, "key")) by asking the list of \(list) for each, at most \(Count.text(calls, "call"))"
        }
    }

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
    /// How the store is asked, or would be.
    package var asking: [Asking] = []
    /// Different carts that have their ids from the crosswalk.
    package var carts = 0

    package init() {}

    /// What was done, for instance `1,200 keys: 1,000 from the crosswalk, 150 remembered, 50 asked of the store (50 calls)`.
    package var sentence: String {
        var parts: [String] = []
        let carts = self.carts > 0 ? "\(Count.text(self.carts, "cart")) from the crosswalk" : nil
        guard keys > 0 else { return carts ?? "no owner is named by a key" }
        if fromCrosswalk > 0 { parts.append("\(Count.text(fromCrosswalk)) from the crosswalk") }
        if remembered > 0 { parts.append("\(Count.text(remembered)) remembered") }
        if asked > 0 { parts.append("\(Count.text(asked)) found in the store") }
        if unknown > 0 { parts.append("\(Count.text(unknown)) of nobody") }
        if ambiguous > 0 { parts.append("\(Count.text(ambiguous)) of several owners") }
        let how = lists.isEmpty ? "" : ", the whole list of \(lists.joined(separator: " and "))"
        let made = calls > 0 ? " (\(Count.text(calls, "call"))\(how))" : ""
        return "\(Count.text(keys, "key")): \(parts.joined(separator: ", "))\(made)" + (carts.map { "; \($0)" } ?? "")
    }
}
