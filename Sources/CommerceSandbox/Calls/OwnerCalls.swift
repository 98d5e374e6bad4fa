/// The lists of customers, accounts and account members: GET /v2/customers, /v2/accounts and /v2/account-members.
enum OwnerList: String, Hashable, CaseIterable {
    case customers
    case accounts
    case members = "account-members"

    /// What each list can be filtered by (Elastic Path, get all customers; get all accounts; get all account members).
    fileprivate func filters(_ behaviour: SandboxBehaviour) -> [OwnerFilter.Field: [OwnerFilter.Operation]] {
        let ids: [OwnerFilter.Operation] = [.eq, .ge, .gt, .le, .lt]
        return switch self {
        case .customers:
            [.id: ids, .email: [.eq, .like], .name: [.eq, .like], .externalRef: [.eq]]
        case .accounts:
            [
                .id: ids + [.isIn], .name: [.eq, .like], .registrationID: [.eq, .like],
                .externalRef: behaviour.accountReferenceLists ? [.eq, .like, .isIn] : [.eq, .like],
            ]
        case .members:
            [.email: [.ilike], .name: [.ilike]]
        }
    }

    fileprivate var type: String {
        switch self {
        case .customers: "customer"
        case .accounts: "account"
        case .members: "account_member"
        }
    }
}

extension Store {
    /// The limits of the vendor's pages.
    private enum PageLimit {
        static let standard = 25
        static let range = 1...100
        static let offset = 10_000
        /// A total stops counting here, and says so.
        static let total = 10_000

        static let refusal = Reply.error(400, "Bad Request", "page[limit] is 1 to 100, page[offset] 0 to 10000")
            .asMalformed()

        /// The page that is asked for; nil if there is no such page.
        static func page(_ query: [String: String]) -> (limit: Int, offset: Int)? {
            guard let limit = Int(query["page[limit]"] ?? "\(standard)"), range.contains(limit),
                let offset = Int(query["page[offset]"] ?? "0"), (0...Self.offset).contains(offset)
            else { return nil }
            return (limit, offset)
        }
    }

    func listOwners(_ list: OwnerList, query: [String: String], _ credentials: RequestCredentials, now: Duration)
        -> Reply
    {
        guard let caller = caller(credentials, now: now) else { return .unauthorized }
        guard caller == .administrator else { return .unauthorizedCall }
        var filter: OwnerFilter?
        if let expression = query["filter"], !expression.isEmpty {
            filter = OwnerFilter(expression, list.filters(behaviour), ignoresCase: behaviour.emailCase == .ignored)
            guard filter != nil else {
                return Reply.error(
                    400, ErrorItem(status: .absent, title: "Bad Request", detail: "Could not parse the supplied filter")
                ).asMalformed()
            }
        }
        guard let (limit, offset) = PageLimit.page(query) else { return PageLimit.refusal }
        let directory = directory(list)
        var found = directory.matches(filter)
        guard directory.sort(&found, by: query["sort"] ?? "-created_at") else {
            return Reply.error(400, "Bad Request", "The supplied sort is not one of the list's").asMalformed()
        }
        let page = found.dropFirst(offset).prefix(limit)
        return .json(200) { text in
            text.raw(#"{"data":["#)
            for (position, entry) in page.enumerated() {
                if position > 0 { text.raw(",") }
                text.owner(entry, list.type)
            }
            text.raw(#"],"meta":{"results":{"#)
            text.member("total", min(found.count, PageLimit.total))
            text.member("total_method", found.count > PageLimit.total ? "lower_bound" : "exact")
            text.raw("}}}")
        }
    }

    /// GET /v2/account-members/ID/account-memberships: the accounts are beside the memberships if they are asked for.
    func listMemberships(
        of member: String, query: [String: String], _ credentials: RequestCredentials, now: Duration
    ) -> Reply {
        guard let caller = caller(credentials, now: now) else { return .unauthorized }
        guard caller == .administrator else { return .unauthorizedCall }
        guard Self.includes(query["include"], among: ["account"]) else {
            return Reply.error(400, "Bad Request", "Could not parse the supplied include").asMalformed()
        }
        guard let (limit, offset) = PageLimit.page(query) else { return PageLimit.refusal }
        guard let entry = directory(.members).entry(member) else {
            return .error(404, "Not Found", "There is no such account member")
        }
        let all = entry.accounts ?? []
        let accounts = Array(all.dropFirst(offset).prefix(limit))
        return .json(200) { text in
            text.raw(#"{"data":["#)
            for (position, account) in accounts.enumerated() {
                if position > 0 { text.raw(",") }
                text.raw("{")
                text.member("id", "\(member)-\(account)")
                text.member("type", "account_membership")
                text.raw("}")
            }
            text.raw("]")
            if query["include"] != nil {
                text.raw(#","included":{"accounts":"#)
                text.related(accounts, .account)
                text.raw("}")
            }
            text.raw(#","meta":{"results":{"#)
            text.member("total", all.count)
            text.raw("}}}")
        }
    }
}

extension JSONText {
    fileprivate mutating func owner(_ entry: SandboxOwnerEntry, _ type: String) {
        raw("{")
        member("id", entry.id)
        member("type", type)
        member("name", entry.name ?? "")
        if let email = entry.email { member("email", email) }
        if let reference = entry.externalRef { member("external_ref", reference) }
        if let registration = entry.registrationID { member("registration_id", registration) }
        raw("}")
    }
}
