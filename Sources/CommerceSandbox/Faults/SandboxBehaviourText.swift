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
            Named("several-deletes", \.severalDeletes), Named("listing", \.listing),
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
            Named("associations-touch-cart", "true, false") {
                "\($0.associationsTouchCart)"
            } write: { behaviour, text in
                guard let flag = Bool(text) else { return false }
                behaviour.associationsTouchCart = flag
                return true
            },
        ]
    }

    /// Every behaviour by its name, as it is set.
    package var byName: [String: String] {
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
