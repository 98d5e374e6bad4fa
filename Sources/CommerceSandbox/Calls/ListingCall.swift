/// GET /v2/carts.
extension Store {
    /// The limits of the vendor's pages.
    private enum PageLimit {
        static let standard = 20
        static let range = 1...100
        static let offset = 10_000
    }

    mutating func listCarts(query: [String: String], _ credentials: RequestCredentials, now: Duration) -> Reply {
        var selection = CartSelection()
        switch caller(credentials, now: now) {
        case nil: return .unauthorized
        case .nobody: return .unauthorizedCall
        case .shopper(let owner): selection.owner = owner
        case .administrator:
            selection.registeredOnly = !settings.showAllCarts
            if let expression = query["filter"], !expression.isEmpty {
                guard let filter = CartFilter(expression) else { return Self.badFilter }
                selection.filter = filter
            }
        }
        guard Self.includes(query["include"], among: ["custom_discounts"]) else {
            return Self.badPage("Could not parse the supplied include")
        }
        guard let limit = Self.number(query["page[limit]"], default: PageLimit.standard),
            PageLimit.range.contains(limit)
        else {
            return Self.badPage("page[limit] must be between 1 and 100")
        }
        guard let offset = Self.number(query["page[offset]"], default: 0), offset >= 0 else {
            return Self.badPage("page[offset] must be between 0 and \(PageLimit.offset)")
        }
        var (carts, total): ([[UInt8]], Int)
        switch behaviour.beyondOffsetLimit {
        case .badRequest where offset > PageLimit.offset:
            return Self.badPage("page[offset] must be between 0 and \(PageLimit.offset)")
        case .empty where offset > PageLimit.offset:
            (carts, total) = ([], page(selection, offset: 0, limit: 1, now: now).total)
        default:
            (carts, total) = page(selection, offset: offset, limit: limit, now: now)
        }
        distort(&carts, &total, selection, offset: offset, limit: limit, now: now)
        let filter = query["filter"] ?? ""
        return Self.page(carts, total: total, offset: offset, limit: limit) { offset in
            "\(address)/v2/carts?page[offset]=\(offset)&page[limit]=\(limit)&filter=\(filter)"
        }
    }

    /// Makes the page wrong in the way that was asked for.
    private mutating func distort(
        _ carts: inout [[UInt8]], _ total: inout Int, _ selection: CartSelection, offset: Int, limit: Int,
        now: Duration
    ) {
        switch behaviour.listing {
        case .truthful: break
        case .short:
            if carts.count == limit { carts.removeLast() }
        case .growingTotal:
            total += offset / limit
        case .repeating:
            guard offset > 0, !carts.isEmpty else { return }
            carts[0] = page(selection, offset: offset - 1, limit: 1, now: now).carts.first ?? carts[0]
        }
    }

    private static func page(
        _ carts: [[UInt8]], total: Int, offset: Int, limit: Int, link: (Int) -> String
    ) -> Reply {
        let pages = (total + limit - 1) / limit
        let last = max(0, (pages - 1) * limit)
        return .json(200) { text in
            text.reserve(carts.reduce(1024) { $0 + $1.count + 1 })
            text.raw(#"{"data":["#)
            for (position, cart) in carts.enumerated() {
                if position > 0 { text.raw(",") }
                text.raw(cart)
            }
            text.raw(#"],"links":{"#)
            text.member("current", link(offset))
            text.member("first", link(0))
            text.member("last", link(last))
            text.member("prev", link(max(0, offset - limit)))
            if offset + limit < total { text.member("next", link(offset + limit)) }
            text.raw(#"},"meta":{"page":{"#)
            text.member("limit", limit)
            text.member("offset", offset)
            text.member("current", offset / limit + 1)
            text.member("total", pages)
            text.raw(#"},"results":{"#)
            text.member("total", total)
            text.raw("}}}")
        }
    }

    /// The documented body; it has no `status`.
    private static var badFilter: Reply {
        Reply.error(
            400,
            ErrorItem(status: .absent, title: "Bad Request", detail: "Could not parse the supplied filter")
        ).asMalformed()
    }

    private static func badPage(_ detail: String) -> Reply {
        Reply.error(400, "Bad Request", detail).asMalformed()
    }

    private static func number(_ text: String?, default standard: Int) -> Int? {
        guard let text else { return standard }
        return Int(text)
    }
}
