/// What Elastic Path's documentation leaves open, as settings; the defaults are the safest guess of each.
package struct SandboxBehaviour: Sendable, Hashable {
    /// What a DELETE of an association that does not exist answers.
    package enum MissingAssociation: String, Sendable, CaseIterable {
        case noContent = "204"
        case notFound = "404"
        case badRequest = "400"
    }

    /// What an association call (POST) or an update (PUT) does with a cart that does not exist. A GET always creates.
    package enum UnknownCart: String, Sendable, CaseIterable {
        case creates
        case notFound = "404"
        case badRequest = "400"
    }

    /// What an association call (POST) does with a customer or an account that does not exist.
    package enum UnknownOwner: String, Sendable, CaseIterable {
        case accepted
        case notFound = "404"
        case badRequest = "400"
    }

    /// What POST /v2/carts does with the id of a cart that exists.
    package enum ExistingCart: String, Sendable, CaseIterable {
        case badRequest = "400"
        case conflict = "409"
        case returned = "201"
    }

    /// What a `page[offset]` above 10,000 gets.
    package enum BeyondOffsetLimit: String, Sendable, CaseIterable {
        case badRequest = "400"
        /// 200 without a single cart.
        case empty
        /// The carts that are there, as if there were no limit.
        case served
    }

    /// The shape of `relationships.customers` and `.accounts` without a single owner.
    package enum EmptyRelationship: String, Sendable, CaseIterable {
        /// `{}`
        case emptyObject = "{}"
        /// The key is missing.
        case absent
        /// `{"data":null}`
        case nullData = "null"
    }

    /// The `Retry-After` of a 429.
    package enum RetryAfter: Sendable, Hashable {
        case none
        case seconds(Int)
        /// As an HTTP date this many seconds from now.
        case date(seconds: Int)
    }

    /// Which member of an error has the documented sentence.
    package enum ErrorTextPlace: String, Sendable, CaseIterable {
        case title
        case detail
    }

    /// What a write gets while another write to the same cart is being worked on.
    package enum OverlappingWrites: String, Sendable, CaseIterable {
        case allowed
        case conflict = "409"
    }

    /// What a DELETE with more than one element gets.
    package enum SeveralDeletes: String, Sendable, CaseIterable {
        case refused = "403"
        case allowed
    }

    /// How the listing of carts is wrong, to try out those who trust it.
    package enum Listing: String, Sendable, CaseIterable {
        case truthful
        /// Each full page lacks its last cart; the total counts it.
        case short
        /// The total grows by one with each page.
        case growingTotal = "growing-total"
        /// Each page after the first begins with the last cart of the page before it, in the place of one of its own.
        case repeating
    }

    package var missingAssociation = MissingAssociation.noContent
    package var unknownCart = UnknownCart.creates
    package var unknownOwner = UnknownOwner.accepted
    package var existingCart = ExistingCart.badRequest
    package var beyondOffsetLimit = BeyondOffsetLimit.badRequest
    package var emptyRelationship = EmptyRelationship.emptyObject
    package var retryAfter = RetryAfter.none
    package var errorText = ErrorTextPlace.title
    package var overlappingWrites = OverlappingWrites.allowed
    package var severalDeletes = SeveralDeletes.refused
    package var listing = Listing.truthful
    /// How long the listing takes to show a change. The vendor: almost immediately, at busy times up to a minute.
    package var listingLag = Duration.zero
    /// Whether an association change updates the cart and so moves it to the front of the listing.
    package var associationsTouchCart = true

    package init() {}
}
