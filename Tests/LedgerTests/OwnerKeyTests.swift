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
        try ledger.forEachOwner(of: numbers.map { ($0, fingerprint($0)) }) { number, owner, at in
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
        #expect(try again.forgetOwnerKeys(of: [owners[0]]) == 2)
        #expect(try again.forgetOwnerKeys(of: [owners[1], owners[0]]) == 0)
        #expect(try known(again, 0..<5) == [2: "é-3 5"])
        _ = try again.erase(Owner(kind: .customer, id: owners[2]), as: owners[0]) { $0 }
        #expect(try known(again, 0..<5).isEmpty)
        try again.close()
    }

    @Test("a reader sees them, and does not remember")
    func reading() throws {
        let ledger = try Ledger.open(in: folder)
        try ledger.rememberOwners([(key: fingerprint(1), owner: #require(OwnerID("c")))], .asked, at: noon)
        let reader = try Ledger.openForReading(folder: folder.state, store: testStore, now: noon)
        #expect(try known(reader, [1]) == [1: "c 0"])
        #expect(!reader.canRemember && ledger.canRemember)
        try reader.close()
        try ledger.close()
    }
}
