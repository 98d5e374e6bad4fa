/// The limits that refuse a plan which looks like an accident.
package struct Guard: Sendable, Hashable {
    /// The most deletes of one run.
    package var maxDeletes = 500
    /// The largest share of the associations in scope that one run may delete, from `smallScope` upwards.
    package var maxDeletesShare = 0.20
    /// Under this many associations in scope a share says little, and `smallScopeDeletes` holds instead.
    var smallScope = 100
    var smallScopeDeletes = 20
    /// The largest share of the owners in scope that may lose a cart, once `minOwners` would.
    var maxOwnersShare = 0.20
    package var minOwners = 20
    package var maxRejected: Limit = .share(0.01)
    /// Fewer rejected records than this are never refused by a share.
    package var minRejected = 5
    /// The least share of the median volume of earlier snapshots.
    var minVolumeShare = 0.70
    /// The largest share of the last snapshot's volume that is worth a warning.
    var warningVolumeShare = 0.90
    /// How long ago runs of the same source count as one with this one.
    package var window: Duration = .seconds(20 * 3600)
    /// The most deletes of adopted associations: those that existed before an export first named them.
    package var maxAdoptedDeletes: Limit = .share(0.05)
    /// Fewer deletes of adopted associations than this are never refused by a share.
    package var minAdoptedDeletes = 20
    /// The most owners' keys that may stand for nobody or for several owners: many do if the wrong store is asked.
    package var maxUnknownOwners: Limit = .share(0.01)
    /// Fewer such keys than this are never refused by a share.
    package var minUnknownOwners = 5
    package var allowEmpty = false
    /// The deletes that a person allowed for this one run; lifts deletes, owners and volume if the plan has no more.
    package var approvedDeletes: Int?

    package init() {}
}

/// What the guard looks at: a whole plan in numbers.
package struct PlanFigures: Sendable, Hashable, Codable {
    package var records = 0
    package var rejected = 0
    package var usable = 0
    package var isSnapshot = true
    package var deletes = 0
    /// Associations that the scope of the run could delete.
    package var inScope = 0
    package var ownersInScope = 0
    package var ownersLosing = 0
    /// Usable records of the snapshots of the same source that were applied, newest first.
    package var earlierVolumes: [Int] = []
    /// What runs of the source deleted of late; nil if they deleted nothing.
    package var before: DeletesBefore?
    /// Nil if no association in scope is adopted.
    package var adopted: AdoptedDeletes?
    /// Nil if the exports have owners' ids.
    package var owners: OwnerKeys?

    package init() {}

    /// Deletes of earlier runs that count as one with those of the plan, because no person allowed them.
    package struct DeletesBefore: Sendable, Hashable, Codable {
        /// The runs, oldest first.
        package var runs: [String]
        package var deletes: Int
        /// Associations that the scope could delete when the first of them began.
        package var inScope: Int

        package init(runs: [String], deletes: Int, inScope: Int) {
            self.runs = runs
            self.deletes = deletes
            self.inScope = inScope
        }
    }

    /// The plan's part of the associations that an export only confirmed: they existed already, created by nobody here.
    package struct AdoptedDeletes: Sendable, Hashable, Codable {
        package var deletes: Int
        package var inScope: Int

        package init(deletes: Int, inScope: Int) {
            self.deletes = deletes
            self.inScope = inScope
        }
    }

    /// The keys of owners that the exports have in the place of ids.
    package struct OwnerKeys: Sendable, Hashable, Codable {
        package var keys: Int
        /// Those that stand for nobody, or for several owners.
        package var unknown: Int
        /// Records that are rejected because of it.
        package var rejected: Int

        package init(keys: Int, unknown: Int, rejected: Int) {
            self.keys = keys
            self.unknown = unknown
            self.rejected = rejected
        }
    }

    /// What is left of a plan of which a part is done: its export was judged then, and is not read again.
    package func left(deletes: Int) -> PlanFigures {
        var left = self
        left.deletes = deletes
        left.ownersLosing = min(ownersLosing, deletes)
        left.rejected = 0
        left.adopted = nil
        left.owners = nil
        // The rules of an empty and of a small export are about snapshots.
        left.isSnapshot = false
        return left
    }
}

/// One rule's refusal of a plan.
package struct Refusal: Sendable, Hashable, Codable {
    package enum Rule: String, Sendable, Hashable, CaseIterable, Codable {
        case deletes, owners, empty, rejected, volume
        /// Deletes of several runs together.
        case window
        /// Deletes of what existed before an export first named it.
        case adopted
        /// Keys of owners whom the store does not know.
        case unknownOwners = "unknown-owners"
    }

    package let rule: Rule
    /// The numbers in a sentence.
    package let sentence: String
    /// The flag that allows exactly this plan, for instance `--max-deletes 412`.
    package let permission: String

    package init(rule: Rule, sentence: String, permission: String) {
        self.rule = rule
        self.sentence = sentence
        self.permission = permission
    }
}

extension Guard {
    /// The earlier snapshots whose median volume counts.
    package static let volumeHistory = 10

    /// Every refusal of a plan; empty if it may be applied.
    package func judge(_ plan: PlanFigures) -> [Refusal] {
        var refusals: [Refusal] = []
        let approval = "--max-deletes \(plan.deletes)"
        if plan.isSnapshot && plan.usable == 0 && !allowEmpty {
            refusals.append(
                Refusal(
                    rule: .empty, sentence: "the export is a snapshot without a single usable record",
                    permission: "--allow-empty"))
        }
        if let sentence = rejectedSentence(plan) {
            refusals.append(
                Refusal(rule: .rejected, sentence: sentence, permission: "--max-rejected \(plan.rejected)"))
        }
        if let sentence = unknownOwnersSentence(plan) {
            refusals.append(
                Refusal(
                    rule: .unknownOwners, sentence: sentence,
                    permission: "--max-unknown-owners \(plan.owners?.unknown ?? 0)"))
        }
        if let approvedDeletes {
            if plan.deletes > approvedDeletes {
                refusals.append(
                    Refusal(
                        rule: .deletes,
                        sentence:
                            "\(Count.text(plan.deletes, "delete")), more than the \(Count.text(approvedDeletes)) that were allowed",
                        permission: approval))
            }
            return refusals
        }
        if let sentence = deletesSentence(plan.deletes, of: plan.inScope) {
            refusals.append(Refusal(rule: .deletes, sentence: sentence, permission: approval))
        } else if let sentence = windowSentence(plan) {
            refusals.append(Refusal(rule: .window, sentence: sentence, permission: approval))
        }
        if let sentence = adoptedSentence(plan) {
            refusals.append(Refusal(rule: .adopted, sentence: sentence, permission: approval))
        }
        if plan.ownersLosing >= minOwners, Double(plan.ownersLosing) > maxOwnersShare * Double(plan.ownersInScope) {
            refusals.append(
                Refusal(
                    rule: .owners,
                    sentence:
                        "\(Count.text(plan.ownersLosing)) of the \(Count.text(plan.ownersInScope)) owners in scope would lose a cart, "
                        + "more than \(percent(maxOwnersShare))",
                    permission: approval))
        }
        if let sentence = volumeSentence(plan) {
            refusals.append(Refusal(rule: .volume, sentence: sentence, permission: approval))
        }
        return refusals
    }

    /// What is unusual about a plan and refuses nothing.
    package func warnings(_ plan: PlanFigures) -> [String] {
        guard plan.isSnapshot, let last = plan.earlierVolumes.first, last > 0,
            Double(plan.records) <= warningVolumeShare * Double(last)
        else { return [] }
        let missing = Int((Double(last - plan.records) / Double(last) * 100).rounded(.down))
        return [
            "the export has \(Count.text(plan.records, "record")), \(missing) % fewer than the \(Count.text(last)) of the last "
                + "one that was applied; see whether it is whole before its deletes are made"
        ]
    }

    private func windowSentence(_ plan: PlanFigures) -> String? {
        guard let before = plan.before, plan.deletes > 0,
            let sentence = deletesSentence(before.deletes + plan.deletes, of: before.inScope)
        else { return nil }
        let named = before.runs.suffix(Self.runsNamed)
        let more = before.runs.count - named.count
        let runs = (more > 0 ? ["\(Count.text(more)) more"] : []) + named
        return
            "\(sentence), together with the \(Count.text(before.deletes)) of run\(before.runs.count == 1 ? "" : "s") "
            + "\(runs.joined(separator: ", "))"
    }

    private func adoptedSentence(_ plan: PlanFigures) -> String? {
        guard let adopted = plan.adopted, adopted.deletes > 0,
            let allowed = maxAdoptedDeletes.exceeded(
                by: adopted.deletes, of: adopted.inScope, least: minAdoptedDeletes + 1)
        else { return nil }
        return
            "\(Count.text(adopted.deletes)) of the \(Count.text(adopted.inScope, "association")) in scope that were there "
            + "before an export named them would be deleted, more than \(allowed)"
    }

    private func unknownOwnersSentence(_ plan: PlanFigures) -> String? {
        guard let owners = plan.owners,
            let allowed = maxUnknownOwners.exceeded(by: owners.unknown, of: owners.keys, least: minUnknownOwners)
        else { return nil }
        return
            "\(Count.text(owners.unknown)) of \(Count.text(owners.keys, "owner")) are not found by their keys, more than "
            + "\(allowed); is this the right store"
    }

    private static let runsNamed = 5

    private func deletesSentence(_ deletes: Int, of inScope: Int) -> String? {
        if deletes > maxDeletes {
            return "\(Count.text(deletes, "delete")), more than \(Count.text(maxDeletes))"
        }
        let ofScope = "\(Count.text(deletes, "delete")) of \(Count.text(inScope, "association")) in scope"
        if inScope >= smallScope {
            guard Double(deletes) > maxDeletesShare * Double(inScope) else { return nil }
            return "\(ofScope), more than \(percent(maxDeletesShare))"
        }
        guard deletes > smallScopeDeletes else { return nil }
        return "\(ofScope), more than \(Count.text(smallScopeDeletes))"
    }

    private func rejectedSentence(_ plan: PlanFigures) -> String? {
        // Records whose owner is not found are another rule's.
        let rejected = plan.rejected - (plan.owners?.rejected ?? 0)
        guard let allowed = maxRejected.exceeded(by: rejected, of: plan.records, least: minRejected) else { return nil }
        return
            "\(Count.text(rejected)) of \(Count.text(plan.records, "record")) are rejected, more than \(allowed)"
    }

    private func volumeSentence(_ plan: PlanFigures) -> String? {
        let volumes = plan.earlierVolumes.prefix(Self.volumeHistory).sorted()
        guard plan.isSnapshot, !volumes.isEmpty else { return nil }
        let middle = volumes.count / 2
        let median = volumes.count.isMultiple(of: 2) ? (volumes[middle - 1] + volumes[middle]) / 2 : volumes[middle]
        // What is rejected is another rule's: the export is as long as ever.
        guard Double(plan.records) < minVolumeShare * Double(median) else { return nil }
        let usual =
            volumes.count == 1
            ? "the last snapshot that was applied" : "the median of the last \(volumes.count) that were applied"
        return
            "\(Count.text(plan.records, "record")), under \(percent(minVolumeShare)) of the \(Count.text(median)) that "
            + "are usual (\(usual))"
    }
}
