package import CartAssociations

/// What a plan names and does not do, because the export leaves in doubt whether it is wanted.
package struct Withheld: Codable, Sendable, Equatable {
    /// Deletes that are withheld.
    package var deletes: Int
    /// Creates that are skipped, because what exists differs from them only in the case of letters.
    package var creates: Int
    /// Why no delete at all is made, in a part of a sentence; nil if some are.
    package var reason: String?
    /// The flag that makes the deletes for one run, for instance `--max-doubtful-deletes 12`; nil if no flag does.
    package var permission: String?
    /// The first ones, each with its reason.
    package var examples: [Change]

    package init(deletes: Int, creates: Int, reason: String?, permission: String?, examples: [Change]) {
        self.deletes = deletes
        self.creates = creates
        self.reason = reason
        self.permission = permission
        self.examples = examples
    }

    /// What is withheld, why, and what can be done about it, one sentence each, without a full stop.
    package var sentences: [String] {
        var sentences: [String] = []
        if let reason { sentences.append("no delete is made, because \(reason)") }
        if let permission {
            sentences.append(
                "\(Count.text(deletes, "delete")) withheld: have the export corrected, or allow them for one run with "
                    + permission)
        } else if creates == 0 {
            sentences.append("\(Count.text(deletes, "delete")) withheld")
        }
        if creates > 0 {
            sentences.append(
                "\(Count.text(creates, "create")) skipped, because what exists differs from them only in case, and is not "
                    + "deleted; if the case changed on purpose, set sync.case-changed to true")
        }
        return sentences
    }
}
