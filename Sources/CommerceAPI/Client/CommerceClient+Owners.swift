package import CartAssociations
import Foundation

/// A list of those whom keys can stand for (Elastic Path, get all customers; get all accounts; get all account members).
package enum OwnerList: Int, Sendable, CaseIterable {
    case customers
    case accounts
    case members

    /// The list that has a kind of key.
    package init(_ field: OwnerKeyField) {
        self = field.key == .memberEmail ? .members : field.owner == .customer ? .customers : .accounts
    }

    fileprivate var path: String {
        switch self {
        case .customers: "/v2/customers"
        case .accounts: "/v2/accounts"
        case .members: "/v2/account-members"
        }
    }

    /// The word of a sentence.
    package var words: String { self == .members ? "account members" : "\(self)" }

    /// Whether the list can be read as a whole, in the order of ids: that of members has no filter for it.
    package var isReadable: Bool { self != .members }

    /// The keys that one call asks for.
    ///
    /// Filters take some 200 values (Elastic Path, filtering), where the list has any for several; for references only the
    /// newest description of accounts has it.
    ///
    /// - Parameter takesReferences: whether the store's accounts take several references.
    package func keysOfCall(_ key: OwnerKeyKind, takesReferences: Bool) -> Int {
        self == .accounts && (key == .id || key == .externalRef && takesReferences) ? Self.mostKeys : 1
    }

    private static let mostKeys = 150
    /// The longest filter, in bytes (Elastic Path, filtering: 8 KB).
    package static let mostBytes = 6_000

    fileprivate func filter(_ key: OwnerKeyKind, _ texts: [String]) -> String {
        let name =
            switch key {
            case .id: "id"
            case .email, .memberEmail: "email"
            case .externalRef: "external_ref"
            case .registrationID: "registration_id"
            }
        let operation = self == .members ? "ilike" : texts.count > 1 ? "in" : "eq"
        return "\(operation)(\(name),\(texts.map { "\"\($0)\"" }.joined(separator: ",")))"
    }

    /// Whether a key can stand in a filter: there is no way to write a quotation mark, and a list of members would take
    /// `*` for any text.
    package static func canAsk(_ text: String) -> Bool {
        !text.contains { $0 == "\"" || $0 == "\\" || $0 == "*" } && text.utf8.count <= 2048
    }
}

/// An owner, or a member of an account, as the store's list shows it.
package struct ListedOwner: Sendable, Equatable, Decodable {
    package let id: String
    let email: String?
    let externalRef: String?
    let registrationID: String?

    enum CodingKeys: String, CodingKey {
        case id, email
        case externalRef = "external_ref"
        case registrationID = "registration_id"
    }

    /// The key of a kind; nil if it has none.
    package func text(_ key: OwnerKeyKind) -> String? {
        switch key {
        case .id: id
        case .email, .memberEmail: email
        case .externalRef: externalRef
        case .registrationID: registrationID
        }
    }
}

/// One page of a list of owners.
package struct OwnersPage: Sendable {
    package let owners: [ListedOwner]
    /// Owners in all; a lower bound if `isExact` is false.
    package let total: Int?
    package let isExact: Bool
}

extension CommerceClient {
    /// Calls that may be made at the same time.
    package var concurrency: Int { options.settings.concurrency }

    /// Owners of a page, the most there are.
    package static let ownersOfPage = 100

    /// Asks for the owners with certain keys: one call, which may have several pages.
    ///
    /// - Parameter texts: one key, or as many as `OwnerList.keysOfCall` says.
    /// - Throws: `APIError` if the store does not answer.
    package func owners(
        in list: OwnerList, with key: OwnerKeyKind, _ texts: [String]
    ) async throws(APIError) -> [ListedOwner] {
        var found: [ListedOwner] = []
        while true {
            let filter = formEncoded(list.filter(key, texts))
            let page = try await page(list, "filter=\(filter)&page%5Boffset%5D=\(found.count)")
            found += page.owners
            guard page.owners.count == Self.ownersOfPage, found.count < options.largestOffset else { return found }
        }
    }

    /// Reads the next owners of a list in the order of their ids, which reaches beyond the largest offset.
    ///
    /// - Parameters:
    ///   - id: the last one that was read; nil begins.
    ///   - end: the last id that may be read; nil for all.
    /// - Throws: `APIError` if the page cannot be read.
    package func owners(
        in list: OwnerList, after id: String?, through end: String? = nil
    ) async throws(APIError) -> OwnersPage {
        let bounds = [id.map { "gt(id,\"\($0)\")" }, end.map { "le(id,\"\($0)\")" }].compactMap(\.self)
        let filter = bounds.isEmpty ? "" : "filter=\(formEncoded(bounds.joined(separator: ":")))&"
        return try await page(list, "\(filter)sort=id")
    }

    private func page(_ list: OwnerList, _ what: String) async throws(APIError) -> OwnersPage {
        let path = "\(list.path)?\(what)&page%5Blimit%5D=\(Self.ownersOfPage)"
        let call = try await perform(APIRequest(operation: .list, method: .get, path: path)) { OwnersPage($0.body) }
        guard let page = call.value else { throw failure(of: call, "looking up \(list.words)") }
        return page
    }

    /// Asks whether accounts are found by a list of references, and returns the status of the answer; nil without one.
    ///
    /// - Parameter references: those of no account.
    /// - Throws: `APIError` if the store does not answer.
    func tryReferenceList(_ references: [String]) async throws(APIError) -> Int? {
        let filter = formEncoded(OwnerList.accounts.filter(.externalRef, references))
        let path = "\(OwnerList.accounts.path)?filter=\(filter)&page%5Blimit%5D=1"
        let call = try await perform(APIRequest(operation: .list, method: .get, path: path)) { OwnersPage($0.body) }
        return call.exchange.status
    }

    /// The ids of the accounts that a member belongs to (Elastic Path, account memberships of a member).
    ///
    /// - Throws: `APIError` if the store does not answer.
    package func accounts(ofMember id: String) async throws(APIError) -> [String] {
        struct Memberships: Decodable {
            struct Included: Decodable {
                struct Account: Decodable { let id: String }
                let accounts: [Account]?
            }
            let included: Included?
        }
        let path = "/v2/account-members/\(formEncoded(id))/account-memberships?include=account&page%5Blimit%5D=100"
        let call = try await perform(APIRequest(operation: .list, method: .get, path: path)) {
            try? ForeignJSON.decode(Memberships.self, from: $0.body)
        }
        guard let memberships = call.value else { throw failure(of: call, "looking up a member's accounts") }
        return memberships.included?.accounts?.map(\.id) ?? []
    }
}

extension OwnersPage {
    /// Nil if the body is not a page of owners.
    fileprivate init?(_ body: [UInt8]) {
        struct Page: Decodable {
            struct Meta: Decodable {
                struct Results: Decodable {
                    let total: Int?
                    let method: String?

                    enum CodingKeys: String, CodingKey {
                        case total
                        case method = "total_method"
                    }
                }
                let results: Results?
            }
            let data: [ListedOwner]
            let meta: Meta?
        }
        guard let page = try? ForeignJSON.decode(Page.self, from: body) else { return nil }
        owners = page.data
        total = page.meta?.results?.total
        // Totals stop counting at the largest offset, and not every list says so.
        isExact = (page.meta?.results?.method ?? "exact") == "exact" && (total ?? .max) < APISettings.documentedOffset
    }
}
