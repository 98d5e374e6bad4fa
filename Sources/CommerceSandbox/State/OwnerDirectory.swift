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
    /// Positions by field and value, letters of e-mails in lower case.
    private let positions: [OwnerFilter.Field: [String: [Int]]]
    private let created: [String: Int]

    /// - Parameter entries: in the order in which they were created; of one id the last counts.
    init(_ entries: [SandboxOwnerEntry]) {
        var byID: [String: SandboxOwnerEntry] = [:]
        var created: [String: Int] = [:]
        for entry in entries {
            // A cart's owner is known by its id alone, and says nothing of what else there is.
            if byID[entry.id] == nil { created[entry.id] = created.count }
            if byID[entry.id] == nil || entry != SandboxOwnerEntry(id: entry.id) { byID[entry.id] = entry }
        }
        let sorted = byID.values.sorted { $0.id < $1.id }
        var positions: [OwnerFilter.Field: [String: [Int]]] = [:]
        for field in OwnerFilter.Field.allCases {
            for (position, entry) in sorted.enumerated() {
                guard let value = entry.value(field) else { continue }
                positions[field, default: [:]][Self.indexed(value, field), default: []].append(position)
            }
        }
        self.entries = sorted
        self.positions = positions
        self.created = created
    }

    private static func indexed(_ value: String, _ field: OwnerFilter.Field) -> String {
        field == .email ? value.lowercased() : value
    }

    func contains(_ id: String) -> Bool { created[id] != nil }

    /// What a filter picks, in the order of the ids.
    func matches(_ filter: OwnerFilter?) -> ArraySlice<SandboxOwnerEntry> {
        guard let filter else { return entries[...] }
        var candidates = entries[...]
        for term in filter.terms {
            switch term.operation {
            case .eq, .isIn:
                let found = Set(term.values.flatMap { positions[term.field]?[Self.indexed($0, term.field)] ?? [] })
                candidates = found.sorted().map { entries[$0] }[...]
            case .gt where term.field == .id: candidates = entries[index { $0.id <= term.values[0] }...]
            case .ge where term.field == .id: candidates = entries[index { $0.id < term.values[0] }...]
            default: continue
            }
            break
        }
        // A range of ids, which is what pages are read by, is found without a look at each.
        guard filter.terms.count > 1 || filter.terms.first.map({ !$0.isRangeFromID }) ?? false else {
            return candidates
        }
        return candidates.filter(filter.matches)[...]
    }

    /// Sorts by one of the orders that the lists have; false for one that they do not have.
    func sort(_ found: inout ArraySlice<SandboxOwnerEntry>, by order: String) -> Bool {
        let isDescending = order.hasPrefix("-")
        switch isDescending ? String(order.dropFirst()) : order {
        case "id": break
        case "email": found.sort { ($0.email ?? "", $0.id) < ($1.email ?? "", $1.id) }
        case "name": found.sort { ($0.name ?? "", $0.id) < ($1.name ?? "", $1.id) }
        case "created_at", "updated_at": found.sort { created[$0.id] ?? 0 < created[$1.id] ?? 0 }
        default: return false
        }
        if isDescending { found = Array(found.reversed())[...] }
        return true
    }

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
