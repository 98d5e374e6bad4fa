/// A member of a body that breaks a rule of the API.
struct InvalidField: Error {
    let title: String
    let detail: String
    let source: String?

    /// The vendor's text for a value of the wrong type.
    static func type(_ source: String, expected: String, _ given: JSONValue) -> InvalidField {
        InvalidField(
            title: "invalid_type", detail: "Invalid type. Expected: \(expected), given: \(given.typeName)",
            source: source)
    }
}

extension JSONValue {
    func object(_ source: String) throws(InvalidField) -> [String: JSONValue] {
        guard case .object(let members) = self else { throw .type(source, expected: "object", self) }
        return members
    }

    func string(_ source: String) throws(InvalidField) -> String {
        guard case .string(let text) = self else { throw .type(source, expected: "string", self) }
        return text
    }

    func bool(_ source: String) throws(InvalidField) -> Bool {
        guard case .bool(let bool) = self else { throw .type(source, expected: "boolean", self) }
        return bool
    }
}

/// What the body of POST and PUT /v2/carts asks for.
struct CartFields {
    var id: String?
    var name: String?
    var description: String?
    var contactEmail: String?
    /// Settings and attributes that are kept as they are.
    var extras: [String: JSONValue] = [:]

    /// The documented objects of booleans.
    private static let switches: [String: [String]] = [
        "discount_settings": ["custom_discounts_enabled", "use_rule_promotions"],
        "inventory_settings": ["defer_inventory_check"],
        "item_settings": ["separate_items_by_location"],
    ]

    /// Reads `{"data":{...}}`. Throws for the first member that breaks a rule; unknown members are ignored.
    init(_ body: JSONValue) throws(InvalidField) {
        let document = try body.object("request")
        guard let data = document["data"] else {
            throw InvalidField(title: "required", detail: "data is required", source: "data")
        }
        let members = try data.object("data")
        if let value = members["id"] {
            let text = try value.string("data.id")
            guard SafeCharacters.all(in: text) else {
                throw InvalidField(
                    title: "Odd characters", detail: "Only a-z, A-Z, 0-9, _ and - are allowed", source: "data.id")
            }
            id = text
        }
        if let value = members["name"] { name = try Self.name(value) }
        if let value = members["description"] { description = try value.string("data.description") }
        if let value = members["contact"] { contactEmail = try Self.email(value) }
        for (group, names) in Self.switches {
            guard let value = members[group] else { continue }
            for (name, member) in try value.object("data.\(group)") where names.contains(name) {
                _ = try member.bool("data.\(group).\(name)")
            }
            extras[group] = value
        }
        if let value = members["custom_attributes"] {
            try Self.checkAttributes(value)
            extras["custom_attributes"] = value
        }
        if let value = members["snapshot_date"] {
            guard try value.string("data.snapshot_date").isTimestamp else {
                throw InvalidField(
                    title: "Invalid Snapshot Date", detail: "The format is 2026-02-21T15:07:25Z",
                    source: "data.snapshot_date")
            }
            extras["snapshot_date"] = value
        }
        if let value = members["payment_intent_id"] { _ = try value.string("data.payment_intent_id") }
    }

    private static func name(_ value: JSONValue) throws(InvalidField) -> String {
        let name = try value.string("data.name")
        let scalars = name.unicodeScalars
        if scalars.allSatisfy(\.properties.isWhitespace) {
            throw InvalidField(title: "Blank name", detail: "The name must not be blank", source: "data.name")
        }
        if scalars.count > 255 {
            throw InvalidField(
                title: "Name with > 255 characters", detail: "The name must have 1 to 255 characters",
                source: "data.name")
        }
        if scalars.contains(where: { $0.properties.generalCategory == .control }) {
            throw InvalidField(
                title: "Odd characters", detail: "The name must not have control characters", source: "data.name")
        }
        return name
    }

    /// Nil if the contact has no e-mail.
    private static func email(_ value: JSONValue) throws(InvalidField) -> String? {
        guard let value = try value.object("data.contact")["email"] else { return nil }
        let email = try value.string("data.contact.email")
        let parts = email.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw InvalidField(
                title: "invalid_email", detail: "Must be a valid email address", source: "data.contact.email")
        }
        return email
    }

    private static func checkAttributes(_ value: JSONValue) throws(InvalidField) {
        let source = "data.custom_attributes"
        let attributes = try value.object(source)
        guard attributes.count <= 20 else {
            throw InvalidField(
                title: "too_many", detail: "A cart can have a maximum of 20 custom attributes", source: source)
        }
        for (name, attribute) in attributes {
            let place = "\(source).\(name)"
            let members = try attribute.object(place)
            guard let type = members["type"], let value = members["value"] else {
                throw InvalidField(title: "required", detail: "type and value are required", source: place)
            }
            switch (try type.string("\(place).type"), value) {
            case ("string", .string), ("boolean", .bool), ("integer", .integer), ("float", .number),
                ("float", .integer):
                break
            case ("string", _), ("boolean", _), ("integer", _), ("float", _):
                throw .type("\(place).value", expected: try type.string(place), value)
            default:
                throw InvalidField(
                    title: "enum", detail: "type must be one of string, integer, boolean, float",
                    source: "\(place).type")
            }
        }
    }
}

extension String {
    /// Whether it is a date of the form `2026-02-21T15:07:25Z`.
    fileprivate var isTimestamp: Bool {
        let form = "dddd-dd-ddTdd:dd:ddZ".utf8
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard
            utf8.count == form.count,
            zip(utf8, form).allSatisfy({ $1 == UInt8(ascii: "d") ? digits.contains($0) : $0 == $1 })
        else { return false }
        let numbers = utf8.split { !digits.contains($0) }.compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        let (year, month, day) = (numbers[0], numbers[1], numbers[2])
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && (1...days[month - 1]).contains(day) && numbers[3] < 24 && numbers[4] < 60
            && numbers[5] < 60
    }
}
