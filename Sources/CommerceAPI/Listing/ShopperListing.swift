package import CartAssociations

extension CommerceClient {
    /// Whose rights the calls have.
    package var authentication: Authentication { options.authentication }

    /// Reads the carts of several shoppers, each by their own token, as one listing of these owners' associations.
    ///
    /// It is incomplete where an owner has no token, where the store refuses one, or where the carts of one owner
    /// could not all be seen.
    ///
    /// - Parameters:
    ///   - owners: an owner without a token is not asked about.
    ///   - progress: told owners asked about and the owners in all.
    /// - Throws: `APIError` where no further call makes sense.
    package func listAssociations(
        ofShoppers owners: [(owner: Owner, token: ShopperToken?)],
        progress: @Sendable (_ read: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(APIError) -> Listing {
        var whole = Listing()
        for (number, (owner, token)) in owners.enumerated() {
            guard let token else {
                whole.completeness = .incomplete("the export has no token for one of the owners")
                continue
            }
            let listing = try await listAssociations(of: .shopper(token))
            if case .incomplete(let reason) = listing.completeness {
                whole.completeness = .incomplete("the carts of one owner: \(reason)")
            }
            // Their carts may have other owners, of whom this says not everything.
            whole.associations += listing.associations.filter { $0.owner == owner }
            whole.cartIDs.formUnion(listing.cartIDs)
            whole.pages += listing.pages
            progress(number + 1, owners.count)
        }
        whole.carts = whole.cartIDs.count
        return whole
    }
}
