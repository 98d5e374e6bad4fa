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
    enum ErrorTextPlace: String, Sendable, CaseIterable {
        case title
        case detail
    }

    /// What a write gets while another write to the same cart is being worked on.
    package enum OverlappingWrites: String, Sendable, CaseIterable {
        case allowed
        case conflict = "409"
    }

    /// What a DELETE with more than one element gets.
    enum SeveralDeletes: String, Sendable, CaseIterable {
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
        /// Each page after the first begins with the last cart of the page before it, instead of one of its own.
        case repeating
    }

    /// How letters of e-mails are compared.
    package enum EmailCase: String, Sendable, CaseIterable {
        case ignored
        case significant
    }

    package var missingAssociation = MissingAssociation.noContent
    package var unknownCart = UnknownCart.creates
    package var unknownOwner = UnknownOwner.accepted
    package var existingCart = ExistingCart.badRequest
    package var beyondOffsetLimit = BeyondOffsetLimit.badRequest
    package var emptyRelationship = EmptyRelationship.emptyObject
    package var retryAfter = RetryAfter.none
    var errorText = ErrorTextPlace.title
    package var overlappingWrites = OverlappingWrites.allowed
    var severalDeletes = SeveralDeletes.refused
    package var listing = Listing.truthful
    /// How long the listing takes to show a change. The vendor: almost immediately, at busy times up to a minute.
    package var listingLag = Duration.zero
    /// Whether an association change updates the cart and so moves it to the front of the listing.
    var associationsTouchCart = true
    package var emailCase = EmailCase.ignored
    /// Whether customers, or account members, may have the same e-mail.
    var duplicateEmails = false
    /// Whether accounts can be asked for by a list of references: newer descriptions of the API have it.
    package var accountReferenceLists = true

    package init() {}
}

extension SandboxBehaviour {
    /// One behaviour as the command line and /sandbox/behaviour name it.
    private struct Named {
        let name: String
        let values: String
        let read: (SandboxBehaviour) -> String
        /// Returns false for a value that it does not have.
        let write: (inout SandboxBehaviour, String) -> Bool

        init<Choice: RawRepresentable<String> & CaseIterable>(
            _ name: String, _ member: WritableKeyPath<SandboxBehaviour, Choice>
        ) {
            self.name = name
            values = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            read = { $0[keyPath: member].rawValue }
            write = { behaviour, text in
                guard let choice = Choice(rawValue: text) else { return false }
                behaviour[keyPath: member] = choice
                return true
            }
        }

        init(_ name: String, _ member: WritableKeyPath<SandboxBehaviour, Bool>) {
            self.init(name, "true, false") {
                "\($0[keyPath: member])"
            } write: { behaviour, text in
                guard let flag = Bool(text) else { return false }
                behaviour[keyPath: member] = flag
                return true
            }
        }

        init(
            _ name: String, _ values: String, read: @escaping (SandboxBehaviour) -> String,
            write: @escaping (inout SandboxBehaviour, String) -> Bool
        ) {
            self.name = name
            self.values = values
            self.read = read
            self.write = write
        }
    }

    private static var named: [Named] {
        [
            Named("missing-association", \.missingAssociation), Named("unknown-cart", \.unknownCart),
            Named("unknown-owner", \.unknownOwner), Named("existing-cart", \.existingCart),
            Named("beyond-offset-limit", \.beyondOffsetLimit), Named("empty-relationship", \.emptyRelationship),
            Named("error-text", \.errorText), Named("overlapping-writes", \.overlappingWrites),
            Named("several-deletes", \.severalDeletes), Named("listing", \.listing), Named("email-case", \.emailCase),
            Named("retry-after", "none, SECONDS, date:SECONDS") {
                $0.retryAfter.text
            } write: { behaviour, text in
                guard let value = RetryAfter(text) else { return false }
                behaviour.retryAfter = value
                return true
            },
            Named("listing-lag", "SECONDS") {
                "\($0.listingLag / .seconds(1))"
            } write: { behaviour, text in
                guard let seconds = Double(text), (0...3600).contains(seconds) else { return false }
                behaviour.listingLag = .seconds(seconds)
                return true
            },
            Named("associations-touch-cart", \.associationsTouchCart),
            Named("account-reference-lists", \.accountReferenceLists), Named("duplicate-emails", \.duplicateEmails),
        ]
    }

    /// Every behaviour by its name, as it is set.
    var byName: [String: String] {
        Dictionary(uniqueKeysWithValues: Self.named.map { ($0.name, $0.read(self)) })
    }

    /// Every name with the values it takes, for help texts.
    package static var names: [(name: String, values: String)] { named.map { ($0.name, $0.values) } }

    /// Sets one behaviour.
    ///
    /// Throws `SandboxError.unreadable`, which names what there is.
    package mutating func set(_ name: String, to value: String) throws {
        guard let found = Self.named.first(where: { $0.name == name }) else {
            let names = Self.named.map(\.name).joined(separator: ", ")
            throw SandboxError.unreadable("there is no behaviour \(name); there are \(names)")
        }
        guard found.write(&self, value) else {
            throw SandboxError.unreadable("\(name) is '\(value)', and takes \(found.values)")
        }
    }
}

extension SandboxBehaviour.RetryAfter {
    /// Reads `none`, a number of seconds, or `date:` and a number of seconds.
    fileprivate init?(_ text: String) {
        if text == "none" {
            self = .none
        } else if text.hasPrefix("date:"), let seconds = Int(text.dropFirst(5)), seconds >= 0 {
            self = .date(seconds: seconds)
        } else if let seconds = Int(text), seconds >= 0 {
            self = .seconds(seconds)
        } else {
            return nil
        }
    }

    fileprivate var text: String {
        switch self {
        case .none: "none"
        case .seconds(let seconds): "\(seconds)"
        case .date(let seconds): "date:\(seconds)"
        }
    }
}
