/// A customer, an account or an account member, with what the API's lists find it by.
package struct SandboxOwnerEntry: Sendable, Hashable, Codable {
    package let id: String
    package var name: String?
    /// Of a customer or a member.
    package var email: String?
    /// Of a customer or an account; several may have the same.
    package var externalRef: String?
    /// Of an account.
    package var registrationID: String?
    /// Of a member: the accounts that it may act for.
    package var accounts: [String]?

    package init(
        id: String, email: String? = nil, externalRef: String? = nil, registrationID: String? = nil,
        accounts: [String]? = nil
    ) {
        self.id = id
        self.email = email
        self.externalRef = externalRef
        self.registrationID = registrationID
        self.accounts = accounts
    }

    enum CodingKeys: String, CodingKey {
        case id, name, email, accounts
        case externalRef = "external_ref"
        case registrationID = "registration_id"
    }

    /// Reads an object, or the id alone.
    package init(from decoder: any Decoder) throws {
        if let id = try? decoder.singleValueContainer().decode(String.self) {
            self.init(id: id)
            return
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try fields.decode(String.self, forKey: .id),
            email: try fields.decodeIfPresent(String.self, forKey: .email),
            externalRef: try fields.decodeIfPresent(String.self, forKey: .externalRef),
            registrationID: try fields.decodeIfPresent(String.self, forKey: .registrationID),
            accounts: try fields.decodeIfPresent([String].self, forKey: .accounts))
        name = try fields.decodeIfPresent(String.self, forKey: .name)
    }

    /// The value of a field as the lists' filters name it; nil if the entry has none.
    func value(_ field: OwnerFilter.Field) -> String? {
        switch field {
        case .id: id
        case .name: name
        case .email: email
        case .externalRef: externalRef
        case .registrationID: registrationID
        }
    }
}

/// The customers, the accounts or the members of a store, found by id, by reference or by e-mail in about the same time
/// however many there are.
struct OwnerDirectory: Sendable {
    /// In the order of their ids.
    private(set) var entries: [SandboxOwnerEntry]
    /// Where values of each field are, letters of e-mails in lower case; ids are in order.
    private let positions: [OwnerFilter.Field: ValuePositions]
    /// The number of each in the order in which they were created.
    private let created: [Int]

    /// Positions of values, of which most have one.
    private struct ValuePositions {
        private var first: [String: Int] = [:]
        private var more: [String: [Int]] = [:]

        mutating func add(_ value: String, _ position: Int) {
            if first[value] == nil { first[value] = position } else { more[value, default: []].append(position) }
        }

        subscript(value: String) -> [Int] { (first[value].map { [$0] } ?? []) + (more[value] ?? []) }
    }

    /// - Parameter all: in the order in which they were created; of one id the last counts.
    init(_ all: [SandboxOwnerEntry]) {
        var entries: [SandboxOwnerEntry] = []
        var created: [Int] = []
        for number in all.indices.sorted(by: { (all[$0].id, $0) < (all[$1].id, $1) }) {
            let entry = all[number]
            if entries.last?.id != entry.id {
                entries.append(entry)
                created.append(number)
            } else if entry != SandboxOwnerEntry(id: entry.id) {
                // A cart's owner is known by its id alone, and says nothing of what else there is.
                entries[entries.count - 1] = entry
            }
        }
        var positions: [OwnerFilter.Field: ValuePositions] = [:]
        for field in OwnerFilter.Field.allCases where field != .id {
            var values = ValuePositions()
            for (position, entry) in entries.enumerated() {
                if let value = entry.value(field) { values.add(Self.indexed(value, field), position) }
            }
            positions[field] = values
        }
        self.entries = entries
        self.positions = positions
        self.created = created
    }

    private static func indexed(_ value: String, _ field: OwnerFilter.Field) -> String {
        field == .email ? value.lowercased() : value
    }

    func entry(_ id: String) -> SandboxOwnerEntry? { position(of: id).map { entries[$0] } }

    func contains(_ id: String) -> Bool { position(of: id) != nil }

    private func position(of id: String) -> Int? {
        let position = index { $0.id < id }
        return position < entries.count && entries[position].id == id ? position : nil
    }

    /// What a filter picks, in the order of the ids.
    func matches(_ filter: OwnerFilter?) -> ArraySlice<SandboxOwnerEntry> {
        guard let filter else { return entries[...] }
        // A range of ids, which is what pages are read by, is found without a look at each.
        let range = filter.terms.reduce(0..<entries.count) { $0.clamped(to: self.range(of: $1)) }
        let rest = filter.terms.filter { !$0.isRangeOfIDs }
        guard let exact = rest.first(where: { $0.operation == .eq || $0.operation == .isIn }) else {
            return rest.isEmpty
                ? entries[range] : entries[range].filter { entry in rest.allSatisfy { $0.matches(entry) } }[...]
        }
        return Set(exact.values.flatMap { places(of: $0, exact.field) }).sorted().filter(range.contains)
            .map { entries[$0] }.filter(filter.matches)[...]
    }

    private func places(of value: String, _ field: OwnerFilter.Field) -> [Int] {
        if field == .id { return position(of: value).map { [$0] } ?? [] }
        return positions[field]?[Self.indexed(value, field)] ?? []
    }

    /// The positions that a bound of ids allows; all for any other term.
    private func range(of term: OwnerFilter.Term) -> Range<Int> {
        let all = 0..<entries.count
        guard term.isRangeOfIDs, let bound = term.values.first else { return all }
        switch term.operation {
        case .gt: return index { $0.id <= bound }..<all.upperBound
        case .ge: return index { $0.id < bound }..<all.upperBound
        case .le: return 0..<index { $0.id <= bound }
        case .lt: return 0..<index { $0.id < bound }
        default: return all
        }
    }

    /// Sorts by one of the orders that the lists have; false for one that they do not have.
    func sort(_ found: inout ArraySlice<SandboxOwnerEntry>, by order: String) -> Bool {
        let isDescending = order.hasPrefix("-")
        switch isDescending ? String(order.dropFirst()) : order {
        case "id": break
        case "email": found.sort { ($0.email ?? "", $0.id) < ($1.email ?? "", $1.id) }
        case "name": found.sort { ($0.name ?? "", $0.id) < ($1.name ?? "", $1.id) }
        case "created_at", "updated_at": found.sort { age($0) < age($1) }
        default: return false
        }
        if isDescending { found = Array(found.reversed())[...] }
        return true
    }

    private func age(_ entry: SandboxOwnerEntry) -> Int { position(of: entry.id).map { created[$0] } ?? 0 }

    /// The first position whose entry is not of those that come before.
    private func index(after isBefore: (SandboxOwnerEntry) -> Bool) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
