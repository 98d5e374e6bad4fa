import Foundation

/// The store's settings for carts.
struct CartSettings: Sendable, Hashable {
    /// 1 to 365.
    var expiryDays = 7
    /// Whether the listing shows carts without an owner; the vendor's default for new stores.
    var showAllCarts = true
    var customDiscounts = false
    var rulePromotions = false
    var deferInventoryCheck = false
    var separateItemsByLocation = false

    /// Takes over what a body of PUT /v2/settings/cart names.
    mutating func update(from body: JSONValue) throws(InvalidField) {
        let document = try body.object("request")
        guard let data = document["data"] else {
            throw InvalidField(title: "required", detail: "data is required", source: "data")
        }
        let members = try data.object("data")
        guard try members["type"]?.string("data.type") == "settings" else {
            throw InvalidField(
                title: "enum", detail: #"data.type must be one of the following: "settings""#, source: "data.type")
        }
        if let value = members["cart_expiry_days"] {
            guard case .integer(let days) = value else {
                throw .type("data.cart_expiry_days", expected: "integer", value)
            }
            expiryDays = days
        }
        if let value = members["show_all_carts"] { showAllCarts = try value.bool("data.show_all_carts") }
        try Self.read(members["discounts"], "custom_discounts_enabled", in: "data.discounts", into: &customDiscounts)
        try Self.read(members["discounts"], "use_rule_promotions", in: "data.discounts", into: &rulePromotions)
        try Self.read(
            members["inventories"], "defer_inventory_check", in: "data.inventories", into: &deferInventoryCheck)
        try Self.read(
            members["items"], "separate_items_by_location", in: "data.items", into: &separateItemsByLocation)
    }

    private static func read(
        _ group: JSONValue?, _ name: String, in source: String, into setting: inout Bool
    ) throws(InvalidField) {
        if let value = try group?.object(source)[name] { setting = try value.bool("\(source).\(name)") }
    }

    var answer: Reply {
        .json(200) { text in
            text.raw(#"{"data":{"type":"settings","id":"15419118-44ce-5343-8ff6-574daf52bc6b""#)
            text.member("cart_expiry_days", expiryDays)
            text.member("show_all_carts", .bool(showAllCarts))
            text.member(
                "discounts",
                .object([
                    "custom_discounts_enabled": .bool(customDiscounts), "use_rule_promotions": .bool(rulePromotions),
                ]))
            text.member("inventories", .object(["defer_inventory_check": .bool(deferInventoryCheck)]))
            text.member("items", .object(["separate_items_by_location": .bool(separateItemsByLocation)]))
            text.raw("}}")
        }
    }
}

/// GET and PUT /v2/settings/cart.
extension Store {
    func getSettings(_ credentials: RequestCredentials, now: Duration) -> Reply {
        caller(credentials, now: now) == .administrator ? settings.answer : .unauthorized
    }

    mutating func updateSettings(_ body: [UInt8], _ credentials: RequestCredentials, now: Duration) -> Reply {
        guard let caller = caller(credentials, now: now) else { return .unauthorized }
        guard caller == .administrator else { return .unauthorizedCall }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(body)) else {
            return Reply.error(400, "Bad Request", "Invalid json payload").asMalformed()
        }
        var updated = settings
        do throws(InvalidField) {
            try updated.update(from: value)
        } catch {
            return Reply.error(400, error.item(status: 400)).asMalformed()
        }
        if let item = Self.expiryError(updated.expiryDays) { return Reply.error(400, item).asMalformed() }
        guard !(updated.customDiscounts && updated.rulePromotions) else {
            return .error(
                422, "Cannot use both discounts together", "Only one discount setting can be set to true at a time.")
        }
        settings = updated
        return settings.answer
    }

    /// The documented body for too many days, and its like for too few.
    private static func expiryError(_ days: Int) -> ErrorItem? {
        let (title, detail): (String, String)
        switch days {
        case ..<1: (title, detail) = ("number_gte", "Must be greater than or equal to 1")
        case 366...: (title, detail) = ("number_lte", "Must be less than or equal to 365")
        default: return nil
        }
        return ErrorItem(
            status: .number(400), title: title, detail: detail, source: "data.cart_expiry_days", value: .integer(days))
    }
}
