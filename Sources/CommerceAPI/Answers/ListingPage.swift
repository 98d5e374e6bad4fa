import CartAssociations

/// One page of `GET /v2/carts`, as far as associations go.
///
/// `relationships.customers` and `.accounts` without an owner are an empty object, absent, or have no `data`
/// (Elastic Path, carts, get carts; older samples): all of these mean no owner. Everything else is ignored.
struct ListingPage: Sendable, Equatable {
    struct Cart: Sendable, Equatable {
        let id: String
        let customers: [String]
        let accounts: [String]
    }

    let carts: [Cart]
    /// `meta.results.total`: carts in the whole listing.
    let total: Int?

    /// Nil if the body is not a page of carts.
    init?(_ body: [UInt8]) {
        guard let page = try? ForeignJSON.decode(Page.self, from: body) else { return nil }
        carts = page.data.map { cart in
            Cart(
                id: cart.id, customers: cart.relationships?.customers?.owners ?? [],
                accounts: cart.relationships?.accounts?.owners ?? [])
        }
        total = page.meta?.results?.total
    }

    private struct Page: Decodable {
        let data: [CartFields]
        let meta: Meta?
    }

    private struct Meta: Decodable {
        struct Results: Decodable {
            let total: Int?
        }

        let results: Results?
    }

    private struct CartFields: Decodable {
        let id: String
        let relationships: Relationships?
    }

    private struct Relationships: Decodable {
        let customers: Relationship?
        let accounts: Relationship?
    }

    private struct Relationship: Decodable {
        struct Owner: Decodable {
            let id: String
        }

        private enum Keys: String, CodingKey {
            case data
        }

        let owners: [String]

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Keys.self)
            owners = try fields.decodeIfPresent([Owner].self, forKey: .data)?.map(\.id) ?? []
        }
    }
}
