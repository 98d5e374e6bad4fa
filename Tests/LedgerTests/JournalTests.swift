import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import Ledger

@Suite("The journal")
struct JournalTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(in: folder, run: makeRun("r", source: "night"))
    }

    /// Changes of a few carts, shuffled: a cart has one to four of them.
    private func changes(carts: Int, seed: UInt64) throws -> [Change] {
        var generator = SeededGenerator(seed: seed)
        var changes: [Change] = []
        for cart in 0..<carts {
            for owner in 0..<Int.random(in: 1...4, using: &generator) {
                let kind: ChangeKind = Bool.random(using: &generator) ? .create : .delete
                let place = kind == .create ? RecordPlace(export: 0, record: cart, line: cart + 2) : nil
                changes.append(Change(kind, try association("owner-\(owner)", "cart-\(cart)"), place: place))
            }
        }
        return changes.shuffled(using: &generator)
    }

    private func allPending(of run: String = "r", pageOf limit: Int) throws -> [CartChanges] {
        var all: [CartChanges] = []
        while true {
            let page = try ledger.pendingCarts(of: run, after: all.last?.cart, limit: limit)
            #expect(page.count <= limit)
            if page.isEmpty { return all }
            all += page
        }
    }

    private func ended(_ entry: JournalEntry, _ outcome: Outcome) -> JournalEntry {
        entry.ended(ChangeOutcome(outcome, attempts: 1), at: noon)
    }

    @Test("a plan is read back in the order of carts, creates before deletes", arguments: 0..<4 as Range<UInt64>)
    func order(seed: UInt64) throws {
        let changes = try changes(carts: 300, seed: seed)
        try ledger.plan(changes, for: "r")
        let entries = try ledger.allEntries(of: "r")
        #expect(entries.map(\.change).count == changes.count)
        #expect(Set(entries.map(\.change)) == Set(changes), "seed \(seed)")
        #expect(entries.allSatisfy { $0.fingerprint == fingerprint($0.change.association) && $0.run == "r" })
        let expected = changes.sorted {
            ($0.association.cart, $0.kind == .create ? 0 : 1, $0.association.owner.id)
                < ($1.association.cart, $1.kind == .create ? 0 : 1, $1.association.owner.id)
        }
        #expect(entries.map(\.change) == expected, "seed \(seed)")
        for limit in [1, 7, 1_000] {
            let carts = try allPending(pageOf: limit)
            #expect(Set(carts.map(\.cart)).count == carts.count, "every cart comes once, pages of \(limit)")
            #expect(carts.flatMap(\.entries) == entries, "pages of \(limit)")
        }
    }

    @Test("more changes than memory or a transaction holds come out the same")
    func spilled() throws {
        // Large owner ids make about 22 MB of 60,000 changes.
        let padding = String(repeating: "x", count: 240)
        let draft = ledger.draftPlan(for: "r")
        var generator = SeededGenerator(seed: 5)
        let numbers = (0..<75_000).shuffled(using: &generator)
        for number in numbers {
            let one = try association("\(padding)\(number)", "cart-\(number / 3)")
            try draft.add(Change(number % 3 == 0 ? .create : .delete, one), Fingerprint(high: UInt64(number), low: 1))
        }
        #expect(draft.creates == 25_000 && draft.deletes == 50_000)
        try ledger.appendPlan(draft, at: Date())
        var last: (String, Int) = ("", 0)
        var seen = Set<UInt64>()
        try ledger.forEachEntry(of: "r") { entry in
            let position = (entry.change.association.cart.text, entry.change.kind == .create ? 0 : 1)
            #expect(last <= position)
            last = position
            seen.insert(entry.fingerprint.high)
        }
        #expect(seen.count == 75_000)
        #expect(try ledger.counts(of: "r").planned == [.create: 25_000, .delete: 50_000])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.state).allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("a run has one plan")
    func planTwice() throws {
        try ledger.plan([Change(.create, association("c", "x"))], for: "r")
        #expect(throws: LedgerError.self) { try ledger.plan([Change(.create, association("c", "y"))], for: "r") }
        #expect(try ledger.allEntries(of: "r").count == 1)
    }

    @Test("an empty plan has nothing pending")
    func emptyPlan() throws {
        try ledger.plan([], for: "r")
        #expect(try ledger.pendingCarts(of: "r", limit: 5).isEmpty)
        #expect(try ledger.counts(of: "r") == JournalCounts())
        #expect(throws: LedgerError.self) { try ledger.pendingCarts(of: "nobody", limit: 5) }
    }

    @Test("what has an outcome is not pending; the rest comes in the same order", arguments: 10..<16 as Range<UInt64>)
    func resume(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        try ledger.plan(changes(carts: 200, seed: seed), for: "r")
        let entries = try ledger.allEntries(of: "r")
        // As after a crash: nearly all of the first half is done, and a little beyond.
        var done: [Int64: Outcome] = [:]
        for (index, entry) in entries.enumerated() {
            let chance = index < entries.count / 2 ? 0.95 : index < entries.count * 6 / 10 ? 0.3 : 0
            guard Double.random(in: 0..<1, using: &generator) < chance else { continue }
            done[entry.id] =
                Bool.random(using: &generator) ? .failed : entry.change.kind == .create ? .created : .deleted
        }
        try ledger.record(entries.compactMap { entry in done[entry.id].map { ended(entry, $0) } })
        let pending = entries.filter { done[$0.id] == nil }
        for limit in [1, 13, 1_000] {
            let carts = try allPending(pageOf: limit)
            #expect(carts.flatMap(\.entries) == pending, "seed \(seed), pages of \(limit)")
            for cart in carts {
                let failed = entries.contains {
                    $0.change.association.cart == cart.cart && $0.change.kind == .create && done[$0.id] == .failed
                }
                #expect(cart.hasFailedCreate == failed, "seed \(seed), \(cart.cart)")
            }
        }
        var finished: [JournalEntry] = []
        try ledger.forEachEnded(of: "r") { finished.append($0) }
        let all = try ledger.allEntries(of: "r")
        #expect(finished == all.filter { $0.outcome != nil }, "seed \(seed)")
        let left = Dictionary(grouping: pending, by: \.change.kind).mapValues(\.count)
        #expect(try ledger.pending(of: "r", besides: finished.count) == left, "seed \(seed)")
        #expect(try ledger.pending(of: "r", besides: entries.count) == [:], "seed \(seed)")
        let counts = try ledger.counts(of: "r")
        #expect(counts.pending == pending.count, "seed \(seed)")
        let failures = counts.outcomes.values.reduce(0) { $0 + ($1[.failed] ?? 0) }
        #expect(failures == done.values.count { $0 == .failed }, "seed \(seed)")
    }

    @Test("outcomes come back as they were recorded")
    func outcomes() throws {
        try ledger.plan([Change(.create, association("c", "x")), Change(.delete, association("d", "x"))], for: "r")
        let entries = try ledger.allEntries(of: "r")
        let full = ChangeOutcome(
            .rejected, answer: .forbidden, status: 403, attempts: 3, service: .microseconds(1_234),
            response: .seconds(70), message: "no such cart; \"é\"")
        let bare = ChangeOutcome(.skipped, attempts: 0)
        try ledger.record([
            entries[0].ended(full, at: noon.addingTimeInterval(0.25)), entries[1].ended(bare, at: noon),
        ])
        try ledger.record([])
        #expect(try ledger.allEntries(of: "r").map(\.outcome) == [full, bare])
        #expect(try ledger.allEntries(of: "r").map(\.endedAt) == [noon.addingTimeInterval(0.25), noon])
        #expect(try ledger.pendingCarts(of: "r", limit: 1).isEmpty)
    }

    @Test("every class of answer comes back as it was recorded", arguments: AnswerClass.allCases)
    func answers(answer: AnswerClass) throws {
        try ledger.plan([Change(.create, association("c", "x"))], for: "r")
        let outcome = ChangeOutcome(.failed, answer: answer, attempts: 1)
        try ledger.record([ledger.allEntries(of: "r")[0].ended(outcome, at: noon)])
        #expect(try ledger.allEntries(of: "r").map(\.outcome) == [outcome])
    }

    @Test("what a cart is to be created with is in the journal")
    func newCarts() throws {
        let changes = try [
            Change(.create, association("c", "x"), newCart: NewCart(name: "Nine", description: nil)),
            Change(.create, association("c", "y"), newCart: NewCart(name: "Ten", description: "tenth")),
        ]
        try ledger.plan(changes, for: "r")
        #expect(try ledger.allEntries(of: "r").map(\.change) == changes)
    }

    @Test("an outcome says what exists, in the same transaction")
    func effects() throws {
        let made = try association("made", "cart-1")
        let there = try association("there", "cart-2")
        let gone = try association("gone", "cart-3")
        let kept = try association("kept", "cart-4")
        try ledger.assert([made, gone, kept], by: "night", run: "r")
        try ledger.assert([gone], by: "other", run: "r")
        try ledger.plan(
            [Change(.create, made), Change(.create, there), Change(.delete, gone), Change(.delete, kept)], for: "r")
        let entries = try ledger.allEntries(of: "r")
        let revision = try ledger.revision()
        try ledger.record(
            zip(entries, [.created, .alreadyThere, .deleted, .failed] as [Outcome]).map(ended))
        #expect(try ledger.revision() == revision + 1)
        #expect(try ledger.association(made)?.confirmation == .created)
        let stored = try #require(try ledger.association(there))
        #expect(stored.confirmation == .alreadyThere && stored.sources == ["night"] && stored.run == "r")
        #expect(try ledger.association(gone) == nil)
        #expect(try ledger.association(kept)?.sources == ["night"])
    }

    @Test("an entry keeps its first outcome")
    func firstOutcome() throws {
        let one = try association("c", "x")
        try ledger.plan([Change(.delete, one)], for: "r")
        try ledger.assert([one], by: "night", run: "r")
        let entry = try #require(try ledger.allEntries(of: "r").first)
        try ledger.record([ended(entry, .failed)])
        try ledger.record([ended(entry, .deleted)])
        #expect(try ledger.allEntries(of: "r").first?.outcome?.outcome == .failed)
        #expect(try ledger.association(one) != nil)
    }

    @Test("entries of several runs are recorded for their own runs; without an outcome they stay pending")
    func severalRuns() throws {
        try ledger.beginRun(makeRun("other", source: "day"))
        try ledger.plan([Change(.create, association("c", "x")), Change(.create, association("c", "z"))], for: "r")
        try ledger.plan([Change(.create, association("c", "y"))], for: "other")
        let own = try ledger.allEntries(of: "r")
        let foreign = try #require(try ledger.allEntries(of: "other").first)
        try ledger.record([ended(own[0], .created), own[1], ended(foreign, .created)])
        #expect(try ledger.allEntries(of: "r").map(\.outcome?.outcome) == [.created, nil])
        #expect(try ledger.allEntries(of: "other").map(\.outcome?.outcome) == [.created])
        let stored = try ledger.allAssociations()
        #expect(stored.map(\.run) == ["r", "other"] && stored.map(\.sources) == [["night"], ["day"]])
    }

    @Test("an outcome of another ledger's run is refused with all that came with it")
    func foreignOutcome() throws {
        try ledger.plan([Change(.create, association("c", "x"))], for: "r")
        let own = try #require(try ledger.allEntries(of: "r").first)
        let folder = try TemporaryFolder()
        let other = try Ledger.open(in: folder, run: makeRun("theirs"))
        try other.plan([Change(.create, association("c", "y"))], for: "theirs")
        let foreign = try #require(try other.allEntries(of: "theirs").first)
        for outcome in [Outcome.created, .failed] {
            #expect(throws: LedgerError.self) { try ledger.record([ended(own, .created), ended(foreign, outcome)]) }
        }
        #expect(try ledger.allEntries(of: "r").first?.outcome == nil)
        #expect(try ledger.allAssociations().isEmpty)
    }

    @Test("the history of a cart and of an owner spans all runs")
    func history() throws {
        let one = try association("c", "x")
        try ledger.plan([Change(.create, one), Change(.create, association("d", "y"))], for: "r")
        try ledger.beginRun(makeRun("second"))
        try ledger.plan([Change(.delete, one), Change(.create, association(.account, "c", "z"))], for: "second")
        let entry = try #require(try ledger.allEntries(of: "r").first)
        try ledger.record([ended(entry, .created)])
        let ofCart = try ledger.entries(of: one.cart)
        #expect(ofCart.map(\.run) == ["r", "second"])
        #expect(ofCart.map(\.outcome?.outcome) == [.created, nil])
        #expect(try ledger.entries(of: one.owner).map(\.change.kind) == [.create, .delete])
    }

    @Test("the changes of runs newer than one are read unless they are too many, or one of the runs is gone")
    func newer() throws {
        let first = try ledger.newestRunNumber()
        #expect(try ledger.entries(after: first, most: 0) == [])
        for (number, run) in ["second", "third"].enumerated() {
            try ledger.beginRun(makeRun(run))
            try ledger.plan((0...number).map { Change(.create, try association("c", "cart-\($0)")) }, for: run)
        }
        #expect(try ledger.newestRunNumber() == first + 2)
        #expect(try ledger.entries(after: first, most: 3)?.map(\.run) == ["second", "third", "third"])
        #expect(try ledger.entries(after: first + 1, most: 2)?.count == 2)
        #expect(try ledger.entries(after: first, most: 2) == nil)
        for run in ["r", "second", "third"] { try ledger.updateRun(run) { $0.state = .failed } }
        var retention = RunRetention(window: .zero)
        retention.most = 1
        #expect(try ledger.forgetRuns(by: retention, waiting: [], now: noon) == nil)
        #expect(try ledger.run("second") == nil)
        #expect(try ledger.entries(after: first, most: 3) == nil)
    }

    @Test("a removed journal leaves the run and the other journals")
    func removed() throws {
        try ledger.beginRun(makeRun("second"))
        for run in ["r", "second"] {
            try ledger.plan(changes(carts: 30, seed: 3), for: run)
            try ledger.record(ledger.allEntries(of: run).prefix(9).map { ended($0, .failed) })
        }
        let others = try ledger.allEntries(of: "second")
        try ledger.removeJournal(of: "r")
        #expect(try ledger.allEntries(of: "r").isEmpty)
        #expect(try ledger.run("r") != nil)
        #expect(try ledger.allEntries(of: "second") == others)
        #expect(try ledger.counts(of: "second").outcomes.isEmpty == false)
    }
}
