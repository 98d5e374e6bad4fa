import CartAssociations
import Testing

@Suite("guard")
struct GuardTests {
    private func plan(_ change: (inout PlanFigures) -> Void) -> PlanFigures {
        var plan = PlanFigures()
        plan.records = 1000
        plan.usable = 1000
        plan.inScope = 1000
        plan.ownersInScope = 1000
        change(&plan)
        return plan
    }

    @Test("a plan without deletes passes")
    func nothingToRefuse() {
        #expect(Guard().judge(plan { _ in }).isEmpty)
    }

    @Test(
        "deletes are refused above 500, above a fifth of 100 or more, above 20 of fewer",
        arguments: [
            (500, 10_000, false), (501, 10_000, true), (200, 1000, false), (201, 1000, true), (20, 100, false),
            (21, 100, true), (20, 99, false), (21, 99, true), (20, 20, false), (9, 10, false),
        ])
    func deletes(deletes: Int, inScope: Int, isRefused: Bool) {
        let refusals = Guard().judge(
            plan {
                $0.deletes = deletes
                $0.inScope = inScope
            })
        #expect(refusals.map(\.rule) == (isRefused ? [.deletes] : []))
        #expect(refusals.first?.permission == (isRefused ? "--max-deletes \(deletes)" : nil))
    }

    @Test(
        "a share that a person sets counts from 100 associations on, below it the number of deletes",
        arguments: [(10, 100, false), (11, 100, true), (11, 99, false), (20, 99, false), (21, 99, true)])
    func deletesShare(deletes: Int, inScope: Int, isRefused: Bool) {
        var careful = Guard()
        careful.maxDeletesShare = 0.1
        let refusals = careful.judge(
            plan {
                $0.deletes = deletes
                $0.inScope = inScope
            })
        #expect(refusals.map(\.rule) == (isRefused ? [.deletes] : []))
    }

    @Test(
        "deletes of runs within the window are judged together, against the scope at its beginning",
        arguments: [
            (100, 100, 1000, false), (100, 101, 1000, true), (480, 20, 100_000, false), (480, 21, 100_000, true),
        ])
    func window(before: Int, deletes: Int, inScope: Int, isRefused: Bool) {
        let refusals = Guard().judge(
            plan {
                $0.deletes = deletes
                $0.inScope = 100_000
                $0.before = .init(runs: ["a", "b"], deletes: before, inScope: inScope)
            })
        #expect(refusals.map(\.rule) == (isRefused ? [.window] : []))
        #expect(refusals.first?.permission == (isRefused ? "--max-deletes \(deletes)" : nil))
        #expect(refusals.first?.sentence.hasSuffix("together with the \(before) of runs a, b") ?? !isRefused)
    }

    @Test("a run that deletes nothing is not refused for what came before it")
    func windowWithoutDeletes() {
        let refusals = Guard().judge(plan { $0.before = .init(runs: ["a"], deletes: 900, inScope: 1000) })
        #expect(refusals.isEmpty)
    }

    @Test(
        "deletes of adopted associations are refused above 20 and above a twentieth",
        arguments: [(20, 20, false), (21, 21, true), (50, 1000, false), (51, 1000, true)])
    func adopted(deletes: Int, inScope: Int, isRefused: Bool) {
        var figures = plan {
            $0.deletes = deletes
            $0.inScope = 100_000
            $0.adopted = .init(deletes: deletes, inScope: inScope)
        }
        #expect(Guard().judge(figures).map(\.rule) == (isRefused ? [.adopted] : []))
        var approving = Guard()
        approving.approvedDeletes = deletes
        figures.before = .init(runs: ["a"], deletes: 90_000, inScope: 100_000)
        #expect(approving.judge(figures).isEmpty)
    }

    @Test(
        "owners that lose a cart are refused from 20 and above a fifth",
        arguments: [(19, 20, false), (20, 100, false), (21, 100, true), (20, 99, true)])
    func owners(losing: Int, inScope: Int, isRefused: Bool) {
        let refusals = Guard().judge(
            plan {
                $0.ownersLosing = losing
                $0.ownersInScope = inScope
                $0.deletes = 1
            })
        #expect(refusals.map(\.rule) == (isRefused ? [.owners] : []))
    }

    @Test("a snapshot without a usable record is refused unless allowed, a delta is not")
    func empty() {
        let empty = plan {
            $0.usable = 0; $0.records = 0
        }
        #expect(Guard().judge(empty).map(\.permission) == ["--allow-empty"])
        var allowing = Guard()
        allowing.allowEmpty = true
        #expect(allowing.judge(empty).isEmpty)
        #expect(
            Guard().judge(
                plan {
                    $0.usable = 0; $0.isSnapshot = false
                }
            ).isEmpty)
    }

    @Test(
        "rejected records are refused above one in a hundred, never below five",
        arguments: [(4, 10, false), (5, 500, false), (5, 499, true), (11, 1000, true), (10, 1000, false)])
    func rejected(rejected: Int, records: Int, isRefused: Bool) {
        let refusals = Guard().judge(
            plan {
                $0.rejected = rejected; $0.records = records
            })
        #expect(refusals.map(\.rule) == (isRefused ? [.rejected] : []))
        var allowing = Guard()
        allowing.maxRejected = .count(rejected)
        #expect(
            allowing.judge(
                plan {
                    $0.rejected = rejected; $0.records = records
                }
            ).isEmpty)
    }

    @Test(
        "unknown owners are refused above one in a hundred keys, never below five, and their records are no other rule's",
        arguments: [(4, 10, false), (5, 500, false), (5, 499, true), (10, 1000, false), (11, 1000, true)])
    func unknownOwners(unknown: Int, keys: Int, isRefused: Bool) {
        var figures = plan {
            $0.rejected = 900
            $0.owners = .init(keys: keys, unknown: unknown, rejected: 895)
        }
        let refusals = Guard().judge(figures)
        #expect(refusals.map(\.rule) == (isRefused ? [.unknownOwners] : []))
        #expect(refusals.first?.permission == (isRefused ? "--max-unknown-owners \(unknown)" : nil))
        var allowing = Guard()
        allowing.maxUnknownOwners = .count(unknown)
        #expect(allowing.judge(figures).isEmpty)
        allowing.maxUnknownOwners = .count(unknown - 1)
        #expect(allowing.judge(figures).map(\.rule) == [.unknownOwners])
        // A permission for deletes is none for these.
        allowing.approvedDeletes = 1000
        #expect(allowing.judge(figures).map(\.rule) == [.unknownOwners])
        figures.owners?.rejected = 889
        allowing.maxUnknownOwners = .count(unknown)
        #expect(allowing.judge(figures).map(\.rule) == [.rejected])
    }

    @Test(
        "a snapshot a tenth smaller than the last one is worth a warning, long before it is refused",
        arguments: [
            (901, [1000], nil), (900, [1000], 10), (899, [1000, 5000], 10), (750, [1000, 10], 25), (1000, [], nil),
            (900, [0], nil), (0, [10], 100),
        ] as [(Int, [Int], Int?)])
    func smaller(records: Int, earlier: [Int], missing: Int?) {
        var figures = plan { _ in }
        (figures.records, figures.usable, figures.earlierVolumes) = (records, records, earlier)
        let warnings = Guard().warnings(figures)
        #expect(warnings.count == (missing == nil ? 0 : 1))
        if let missing { #expect(warnings[0].contains("\(missing) % fewer than the \(Count.text(earlier[0]))")) }
        figures.isSnapshot = false
        #expect(Guard().warnings(figures).isEmpty)
    }

    @Test("a snapshot under seven tenths of the usual volume is refused")
    func volume() {
        let history = [1000, 1500, 900, 1000, 1100]
        #expect(
            Guard().judge(
                plan {
                    ($0.records, $0.usable) = (699, 699); $0.earlierVolumes = history
                }
            ).map(\.rule) == [.volume])
        #expect(
            Guard().judge(
                plan {
                    ($0.records, $0.usable) = (700, 700); $0.earlierVolumes = history
                }
            ).isEmpty)
        #expect(
            Guard().judge(
                plan {
                    ($0.records, $0.usable) = (1, 1); $0.isSnapshot = false; $0.earlierVolumes = history
                }
            ).isEmpty)
        // Only the ten newest count: the eleventh would change the median.
        let long = Array(repeating: 100, count: 10) + Array(repeating: 1_000_000, count: 20)
        #expect(
            Guard().judge(
                plan {
                    ($0.records, $0.usable) = (70, 70); $0.earlierVolumes = long
                }
            ).isEmpty)
    }

    @Test("one number no less than the deletes lifts deletes, owners and volume, and nothing else")
    func approval() {
        var approved = Guard()
        approved.approvedDeletes = 900
        let drastic = plan {
            $0.deletes = 900
            $0.ownersLosing = 900
            ($0.records, $0.usable) = (10, 10)
            $0.earlierVolumes = [1000]
        }
        #expect(Set(Guard().judge(drastic).map(\.rule)) == [.deletes, .owners, .volume])
        #expect(approved.judge(drastic).isEmpty)
        approved.approvedDeletes = 899
        #expect(approved.judge(drastic).map(\.permission) == ["--max-deletes 900"])
        approved.approvedDeletes = 900
        var bad = drastic
        bad.rejected = 10
        bad.usable = 0
        #expect(Set(approved.judge(bad).map(\.rule)) == [.rejected, .empty])
    }

    @Test(
        "what is left of a plan is judged by its deletes and owners alone, its export no more",
        arguments: [
            (900, 900, [Refusal.Rule.deletes, .owners]), (501, 900, [.deletes, .owners]), (200, 900, []), (0, 900, []),
        ])
    func left(deletes: Int, losing: Int, refused: [Refusal.Rule]) {
        let drastic = plan {
            $0.deletes = 900
            $0.inScope = 4000
            $0.ownersLosing = losing
            $0.ownersInScope = 1000
            $0.records = 10
            $0.rejected = 10
            $0.usable = 0
            $0.earlierVolumes = [1000]
        }
        #expect(Set(Guard().judge(drastic).map(\.rule)) == [.deletes, .owners, .empty, .rejected, .volume])
        let refusals = Guard().judge(drastic.left(deletes: deletes))
        #expect(refusals.map(\.rule) == refused)
        #expect(refusals.allSatisfy { $0.permission == "--max-deletes \(deletes)" })
        var approved = Guard()
        approved.approvedDeletes = deletes
        #expect(approved.judge(drastic.left(deletes: deletes)).isEmpty)
        // With a limit of 0 the records that were rejected then refuse nothing now.
        approved.maxRejected = .count(0)
        approved.minRejected = 0
        #expect(approved.judge(drastic.left(deletes: deletes)).isEmpty)
    }
}
