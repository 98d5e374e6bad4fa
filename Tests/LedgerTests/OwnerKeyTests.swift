import CartAssociations
import Foundation
import Ledger
import TestSupport
import Testing

@Suite("What the ledger remembers of owners' keys")
struct OwnerKeyTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func fingerprint(_ number: Int) -> Fingerprint {
        Fingerprint(high: UInt64(truncatingIfNeeded: number &* 7_046_029_254_386_353), low: UInt64(number))
    }

    private func known(_ ledger: Ledger, _ numbers: some Sequence<Int>) throws -> [Int: String] {
        var found: [Int: String] = [:]
        try ledger.forEachOwner(of: numbers.map { ($0, fingerprint($0)) }) { number, owner, remembered in
            let at = max(remembered.at, noon.addingTimeInterval(-1))
            var text: [UInt8] = []
            for index in owner.indices { text.append(owner[index]) }
            found[number] = "\(String(decoding: text, as: UTF8.self)) \(Int(at.timeIntervalSince(noon)))"
        }
        return found
    }

    @Test("what was found is there after the process, the newest of a key, and no plan becomes stale by it")
    func remembered() throws {
        let ledger = try Ledger.open(in: folder)
        let revision = try ledger.revision()
        let owners = try ["c-1", "c-2", "é-3"].map { try #require(OwnerID($0)) }
        try ledger.rememberOwners(
            owners.enumerated().map { (key: fingerprint($0), owner: $1) }, .asked, at: noon.addingTimeInterval(5))
        try ledger.rememberOwners([(key: fingerprint(1), owner: owners[0])], .directory, at: noon.addingTimeInterval(9))
        try ledger.rememberOwnerFact("number of customers", "7")
        #expect(try ledger.revision() == revision)
        try ledger.close()
        let again = try Ledger.open(in: folder)
        #expect(try known(again, 0..<5) == [0: "c-1 5", 1: "c-1 9", 2: "é-3 5"])
        #expect(try again.ownerFact("number of customers") == "7")
        #expect(try again.ownerFact("number of accounts") == nil)
        #expect(try again.outdateOwnerKeys(of: [owners[0]]) == 2)
        #expect(try again.outdateOwnerKeys(of: [owners[1], owners[0]]) == 0)
        // They are known still, and were found before every time.
        #expect(try known(again, 0..<5) == [0: "c-1 -1", 1: "c-1 -1", 2: "é-3 5"])
        try again.rememberReading([(key: fingerprint(8), owner: owners[2], count: 1)], progress: "half")
        _ = try again.erase(Owner(kind: .customer, id: owners[2]), as: owners[0]) { $0 }
        #expect(try known(again, 0..<5) == [0: "c-1 -1", 1: "c-1 -1"])
        try again.forEachListedKey { _, _, _ in Issue.record("a person who was erased is in a list") }
        try again.close()
    }

    @Test("what a crosswalk says is written where it is new, and outlives nothing that was found in the store")
    func crosswalk() throws {
        let ledger = try Ledger.open(in: folder)
        let (first, second) = (try #require(OwnerID("c-1")), try #require(OwnerID("c-2")))
        try ledger.rememberOwners([(key: fingerprint(1), owner: first)], .asked, at: noon)
        let later = noon.addingTimeInterval(7)
        try ledger.rememberOwners([1, 2].map { (key: fingerprint($0), owner: first) }, .crosswalk, at: later)
        var origins: [Int: Ledger.OwnerKeyOrigin?] = [:]
        try ledger.forEachOwner(of: [1, 2].map { ($0, fingerprint($0)) }) { origins[$0] = $2.origin }
        #expect(origins == [1: .asked, 2: .crosswalk])
        #expect(try known(ledger, [1, 2]) == [1: "c-1 0", 2: "c-1 7"])
        try ledger.rememberOwners([(key: fingerprint(1), owner: second)], .crosswalk, at: later)
        #expect(try known(ledger, [1]) == [1: "c-2 7"])
        try ledger.close()
    }

    @Test("a list that was not read to its end is taken up where it was, and gone when it was")
    func reading() throws {
        let ledger = try Ledger.open(in: folder)
        let owner = try #require(OwnerID("c-1"))
        try ledger.rememberReading(
            [(key: fingerprint(1), owner: owner, count: 1), (key: fingerprint(2), owner: owner, count: 1)],
            progress: "one")
        try ledger.rememberReading([(key: fingerprint(2), owner: nil, count: 2)], progress: "two")
        try ledger.close()
        let again = try Ledger.open(in: folder)
        var found: [String] = []
        try again.forEachListedKey { found.append("\($0.low) \($1.count) \($2)") }
        #expect(found.sorted() == ["1 3 1", "2 0 2"])
        #expect(try again.listReading() == "two")
        #expect(try known(again, 0..<5).isEmpty)
        try again.forgetReading()
        try again.forEachListedKey { _, _, _ in Issue.record("nothing is left") }
        #expect(try again.listReading() == nil)
        try again.close()
    }

    @Test("any keys in any order are found among any others", arguments: 0..<30 as Range<UInt64>)
    func lookups(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let ledger = try Ledger.open(in: folder)
        let there = (0..<Int.random(in: 0...400, using: &random)).map { _ in Int.random(in: 0..<1000, using: &random) }
        let id = try #require(OwnerID("c"))
        try ledger.rememberOwners(there.map { (key: fingerprint($0), owner: id) }, .asked, at: noon)
        var asked = (0..<Int.random(in: 0...400, using: &random)).map { _ in Int.random(in: 0..<1000, using: &random) }
        if seed.isMultiple(of: 2) {
            asked.sort {
                let (left, right) = (fingerprint($0), fingerprint($1))
                return left.high != right.high ? left.high < right.high : left.low < right.low
            }
        }
        var found: [Int] = []
        try ledger.forEachOwner(of: asked.map { ($0, fingerprint($0)) }) { number, _, _ in found.append(number) }
        #expect(found == asked.filter(Set(there).contains))
        try ledger.close()
    }

    @Test("a reader sees them, and does not remember")
    func readers() throws {
        let ledger = try Ledger.open(in: folder)
        try ledger.rememberOwners([(key: fingerprint(1), owner: #require(OwnerID("c")))], .asked, at: noon)
        let reader = try Ledger.openForReading(folder: folder.state, store: testStore, now: noon)
        #expect(try known(reader, [1]) == [1: "c 0"])
        #expect(!reader.canRemember && ledger.canRemember)
        try reader.close()
        try ledger.close()
    }
}
