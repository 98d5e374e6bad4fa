import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import Ledger

@Suite("Associations in the ledger")
struct AssociationTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger.open(in: folder, run: makeRun("r"))
    }

    private func standings(_ source: String) throws -> [Fingerprint: Standing] {
        var all: [Fingerprint: Standing] = [:]
        try ledger.scan(from: source) { all[$0.fingerprint] = $0 }
        return all
    }

    @Test("what an export asserts is remembered with its record, its run and its source")
    func asserted() throws {
        let one = try association(.account, "a-1", "cart-1")
        let draft = ledger.draftAssertions(by: "night", run: "r")
        let place = RecordPlace(export: 1, record: 20, line: 22)
        try draft.add(one, Fingerprint(high: .max, low: 1 << 63), place: place)
        try ledger.assert(draft, at: noon)
        let stored = try #require(try ledger.association(one))
        #expect(
            stored
                == StoredAssociation(
                    association: one, fingerprint: Fingerprint(high: .max, low: 1 << 63), sources: ["night"],
                    confirmation: nil, since: noon, run: "r", runNumber: 1, place: place))
        #expect(try ledger.allAssociations() == [stored])
        let standing = try #require(try standings("night")[stored.fingerprint])
        #expect(standing.isAsserted && !standing.isAssertedByOthers && !standing.exists)
        #expect(standing.ownerKind == .account)
        let other = try #require(try standings("day")[stored.fingerprint])
        #expect(!other.isAsserted && other.isAssertedByOthers)
    }

    @Test("what a run asserted that was interrupted before its plan was accepted is not asserted")
    func interrupted() throws {
        let names = ["earlier", "new", "others", "seen"]
        let (earlier, new, others, seen) = try (
            association("c", names[0]), association("c", names[1]), association("c", names[2]),
            association("c", names[3])
        )
        try ledger.assert([earlier], by: "night", run: "r")
        try ledger.assert([others], by: "day", run: "r")
        try ledger.updateRun("r") { $0.state = .finished }
        for run in ["stopped", "interrupted"] {
            try ledger.beginRun(makeRun(run, source: "night"))
            try ledger.confirm(ledger.draft([seen]), as: .listed, run: run, at: noon)
            try ledger.assert([new, others, seen], by: "night", run: run)
            if run == "stopped" { try ledger.updateRun(run) { $0.state = .applying } }
            try ledger.endInterruptedRuns()
            let sources = try Dictionary(
                uniqueKeysWithValues: ledger.allAssociations().map { ($0.association.cart.text, $0.sources) })
            if run == "stopped" {
                #expect(
                    sources == ["earlier": ["night"], "new": ["night"], "others": ["day", "night"], "seen": ["night"]])
            } else {
                #expect(sources == ["earlier": ["night"], "others": ["day"], "seen": []])
            }
        }
        #expect(try ledger.runs().map(\.state) == [.failed, .stopped, .finished])
    }

    @Test("an association stays until no source asserts it and it is not known to exist")
    func lifetime() throws {
        let one = try association("c", "cart-1")
        try ledger.assert([one], by: "a", run: "r")
        try ledger.assert([one], by: "b", run: "r")
        try ledger.retract(ledger.draft([one]), source: "a")
        #expect(try ledger.association(one)?.sources == ["b"])
        try ledger.confirm(ledger.draft([one]), as: .listed, run: "r", at: noon)
        try ledger.retract(ledger.draft([one]), source: "b")
        #expect(try ledger.association(one)?.sources == [])
        #expect(try ledger.association(one)?.confirmation == .listed)
        try ledger.unconfirm(ledger.draft([one]))
        #expect(try ledger.association(one) == nil)
        try ledger.retract(ledger.draft([one]), source: "b")
        try ledger.assert([one], by: "a", run: "r")
        try ledger.unconfirm(ledger.draft([one]))
        #expect(try ledger.association(one)?.sources == ["a"])
        try ledger.retract(ledger.draft([one]), source: "a")
        #expect(try ledger.allAssociations().isEmpty)
    }

    @Test("asserting what is known keeps its fingerprint and how it is known to exist")
    func assertedAgain() throws {
        let one = try association("c", "cart-1")
        try ledger.confirm(ledger.draft([one]), as: .created, run: "r", at: noon)
        try ledger.assert([one], by: "a", run: "r")
        #expect(try ledger.association(one)?.confirmation == .created)
        #expect(try ledger.association(one)?.fingerprint == fingerprint(one))
        try ledger.assert([one], by: "b", run: "r", confirmation: .listed)
        #expect(try ledger.association(one)?.confirmation == .created)
        #expect(try ledger.association(one)?.sources == ["a", "b"])
    }

    @Test("owners of the same id but another kind are others")
    func kindsApart() throws {
        let customer = try association(.customer, "x", "cart-1")
        let account = try association(.account, "x", "cart-1")
        try ledger.assert([customer], by: "a", run: "r")
        #expect(try ledger.association(account) == nil)
        try ledger.assert([account], by: "b", run: "r")
        #expect(try ledger.assertedCounts(by: "a") == [.customer: 1])
        #expect(try ledger.assertedCounts(by: "b") == [.account: 1])
        #expect(try ledger.assertedCounts(by: "c") == [:])
        #expect(try ledger.associations(of: account.owner).map(\.association) == [account])
        #expect(try Set(ledger.associations(of: account.cart).map(\.association)) == [customer, account])
    }

    @Test("hundreds of sources may assert the same association")
    func manySources() throws {
        let one = try association("c", "cart-1")
        let names = (0..<200).map { "2026-\($0)" }
        for name in names { try ledger.assert([one], by: name, run: "r") }
        #expect(try ledger.association(one)?.sources == names.sorted())
        #expect(try #require(try standings("2026-77")[fingerprint(one)]).isAsserted)
        for name in names.dropLast() { try ledger.retract(ledger.draft([one]), source: name) }
        #expect(try ledger.association(one)?.sources == ["2026-199"])
    }

    @Test("more associations than a page or a transaction holds are visited once each, in the order of carts")
    func pages() throws {
        let draft = ledger.draftAssertions(by: "a", run: "r")
        for number in 0..<52_000 {
            let one = try association("c-\(number % 7)", "cart-\(number)")
            try draft.add(one, Fingerprint(high: UInt64(number), low: 7), place: nil)
        }
        try ledger.assert(draft, at: noon)
        var seen: [UInt64] = []
        try ledger.scan(from: "a") { seen.append($0.fingerprint.high) }
        #expect(seen.count == 52_000 && Set(seen).count == 52_000)
        var carts: [String] = []
        try ledger.forEachAssociation(where: { $1.fingerprint.high.isMultiple(of: 1_000) }) { _, stored in
            carts.append(stored.association.cart.text)
            // A visitor may use the ledger.
            let again = try ledger.association(stored.association)
            #expect(again == stored)
        }
        #expect(carts.count == 52)
        #expect(carts == carts.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    @Test("a cart with more owners than a page holds is visited once, and what follows it too")
    func largeCart() throws {
        let draft = ledger.draftAssertions(by: "a", run: "r")
        for number in 0..<21_000 {
            let cart = number < 10 ? "a" : number < 20_990 ? "b" : "c-\(number)"
            try draft.add(association("owner-\(number)", cart), Fingerprint(high: UInt64(number), low: 7), place: nil)
        }
        try ledger.assert(draft, at: noon)
        var seen: [UInt64] = []
        try ledger.scan(from: "a") { seen.append($0.fingerprint.high) }
        #expect(seen.count == 21_000 && Set(seen).count == 21_000)
    }

    @Test("an error of the visitor ends the visit and passes through")
    func visitorError() throws {
        struct Enough: Error {}
        try ledger.assert([association("c", "a"), association("c", "b")], by: "a", run: "r")
        var visits = 0
        #expect(throws: Enough.self) {
            try ledger.scan(from: "a") { _ in
                visits += 1
                throw Enough()
            }
        }
        #expect(visits == 1)
        #expect(throws: Enough.self) { try ledger.forEachAssociation(where: { _, _ in throw Enough() }) { _, _ in } }
        #expect(try ledger.allAssociations().count == 2)
    }

    @Test(
        "any order of assertions, confirmations and outcomes leaves what a model says",
        arguments: 0..<6 as Range<UInt64>)
    func model(seed: UInt64) throws {
        struct Row: Equatable {
            var sources: Set<String> = []
            var confirmation: Ledger.Confirmation?

            /// What we created stays ours, however often it is seen.
            mutating func confirm(_ new: Ledger.Confirmation) {
                if confirmation != .created { confirmation = new }
            }
        }
        var generator = SeededGenerator(seed: seed)
        let pool = try (0..<12).map {
            try association($0 % 3 == 0 ? .account : .customer, "owner-\($0 % 4)", "cart-\($0 % 5)")
        }
        var model: [Association: Row] = [:]
        func clean() { model = model.filter { !$0.value.sources.isEmpty || $0.value.confirmation != nil } }
        for step in 0..<120 {
            let some = pool.filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }
            let source = ["a", "b", "c"].randomElement(using: &generator) ?? "a"
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                let confirmation: Ledger.Confirmation? = Bool.random(using: &generator) ? .listed : nil
                try ledger.assert(some, by: source, run: "r", confirmation: confirmation)
                for one in some {
                    model[one, default: Row()].sources.insert(source)
                    if let confirmation { model[one]?.confirm(confirmation) }
                }
            case 1:
                try ledger.retract(ledger.draft(some), source: source)
                for one in some { model[one]?.sources.remove(source) }
            case 2:
                try ledger.confirm(ledger.draft(some), as: .listed, run: nil, at: noon)
                for one in some { model[one, default: Row()].confirm(.listed) }
            case 3:
                try ledger.unconfirm(ledger.draft(some))
                for one in some { model[one]?.confirmation = nil }
            default:
                let run = "run-\(step)"
                try ledger.beginRun(makeRun(run, source: source))
                try ledger.plan(
                    some.map { Change(Bool.random(using: &generator) ? .create : .delete, $0) }, for: run)
                let outcomes = try ledger.allEntries(of: run).map { entry in
                    let possible: [Outcome] =
                        entry.change.kind == .create
                        ? [.created, .alreadyThere, .failed] : [.deleted, .alreadyGone, .skipped]
                    let outcome = possible.randomElement(using: &generator) ?? .failed
                    let one = entry.change.association
                    switch outcome {
                    case .created, .alreadyThere:
                        if model[one] == nil { model[one] = Row(sources: [source]) }
                        model[one]?.confirm(outcome == .created ? .created : .alreadyThere)
                    case .deleted, .alreadyGone: model[one] = nil
                    default: break
                    }
                    return entry.ended(ChangeOutcome(outcome, attempts: 1), at: noon)
                }
                try ledger.record(outcomes)
            }
            clean()
            let stored = try ledger.allAssociations()
            let found = Dictionary(
                uniqueKeysWithValues: stored.map {
                    ($0.association, Row(sources: Set($0.sources), confirmation: $0.confirmation))
                })
            #expect(found == model, "seed \(seed), step \(step)")
            #expect(stored.allSatisfy { $0.fingerprint == fingerprint($0.association) }, "seed \(seed), step \(step)")
        }
    }

    @Test("the record of an association is one of the run's own exports, or none")
    func placeOfTheRun() throws {
        try ledger.beginRun(makeRun("r-2"))
        let one = try association("c-1", "cart-1")
        let draft = ledger.draftAssertions(by: "default", run: "r")
        let place = RecordPlace(export: 0, record: 4, line: 5)
        try draft.add(one, fingerprint(one), place: place)
        try ledger.assert(draft, at: noon)
        try ledger.confirm(ledger.draft([one]), as: .listed, run: "r", at: noon)
        #expect(try ledger.association(one)?.place == place)
        try ledger.confirm(ledger.draft([one]), as: .listed, run: "r-2", at: noon)
        let stored = try #require(try ledger.association(one))
        #expect(stored.run == "r-2" && stored.place == nil)
    }
}
