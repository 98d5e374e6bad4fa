/// GET /v2/customers and /v2/accounts, as far as ids go: enough to find out whether an owner exists.
extension Store {
    func listOwners(_ kind: SandboxOwnerKind, query: [String: String], _ credentials: RequestCredentials, now: Duration)
        -> Reply
    {
        guard let caller = caller(credentials, now: now) else { return .unauthorized }
        guard caller == .administrator else { return .unauthorizedCall }
        var ids = ownerIDs(kind)
        if let expression = query["filter"], !expression.isEmpty {
            guard let wanted = Self.ids(in: expression) else {
                return Reply.error(
                    400, ErrorItem(status: .absent, title: "Bad Request", detail: "Could not parse the supplied filter")
                ).asMalformed()
            }
            ids.removeAll { !wanted.contains($0) }
        }
        guard let limit = Int(query["page[limit]"] ?? "25"), (1...100).contains(limit),
            let offset = Int(query["page[offset]"] ?? "0"), (0...10_000).contains(offset)
        else {
            return Reply.error(400, "Bad Request", "page[limit] is 1 to 100, page[offset] 0 to 10000").asMalformed()
        }
        return .json(200) { text in
            text.raw(#"{"data":"#)
            text.related(Array(ids.dropFirst(offset).prefix(limit)), kind)
            text.raw(#","meta":{"results":{"#)
            text.member("total", ids.count)
            text.raw("}}}")
        }
    }

    /// The ids of `eq(id,X)` and `in(id,X,Y)`; nil for any other expression.
    private static func ids(in expression: String) -> Set<String>? {
        guard expression.hasSuffix(")"), let start = ["eq(id,", "in(id,"].first(where: { expression.hasPrefix($0) })
        else { return nil }
        let words = expression.dropFirst(start.count).dropLast().split(separator: ",").map { word in
            String(word.drop { $0 == "\"" || $0 == " " }.prefix { $0 != "\"" })
        }
        return words.isEmpty || (start == "eq(id," && words.count > 1) ? nil : Set(words)
    }
}
