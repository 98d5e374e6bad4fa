import SyncReporting

/// A page of the deletes of a plan that waits for a person, as `/api/runs/{run}/deletes` shows it.
struct DeletesView: Encodable, Sendable {
    var deletes: [DeletesList.Row]
    /// The path of the next page; nil on the last.
    var next: String?
    /// Where the next page begins.
    var from: Int?

    private enum CodingKeys: String, CodingKey { case deletes, next }
}

/// Which deletes are asked for.
struct DeletesQuery: Sendable, Equatable {
    /// Rows of one page.
    static let limits = 1...1000
    static let usualLimit = 100
    /// Where a page may begin: no list is longer.
    static let places = 0...(1 << 44)
    /// The longest text that is searched for, in characters.
    static let longestSearch = 255

    var from = 0
    var limit = usualLimit
    /// What the owner as it is shown, or the cart, has to contain; empty for all.
    var search = ""
}
