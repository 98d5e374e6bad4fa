import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SyncEngine

/// What a damaged export may not do: delete what the export still had before it was damaged.
@Suite("a damaged export")
struct DamageTests {
    /// Damages of one export, each planned by itself.
    static let damagesOfExport = 50
    private static func number(_ variable: String) -> Int? {
        ProcessInfo.processInfo.environment[variable].flatMap { Int($0) }
    }
    /// `DAMAGES` is how many there are in all; `SEED` is one export to try again.
    static let seeds =
        number("SEED").map { [UInt64($0)] }
        ?? (1...max(1, (number("DAMAGES") ?? 500) / damagesOfExport)).map { UInt64($0) }

    @Test("deletes nothing that it still had, and nothing that stands in a doubtful part", arguments: seeds)
    func deletes(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let known = Self.associations(using: &generator)
        let kept = known.filter { _ in Int.random(in: 0..<8, using: &generator) > 0 }
        let export = RandomExport(kept.shuffled(using: &generator), using: &generator)
        try await withStore { store in
            try store.ledger.remember(known)
            let whole = try await plannedDeletes(of: export.bytes, in: store)
            #expect(whole == Set(known).subtracting(kept), "seed \(seed), undamaged")
            for number in 0..<Self.damagesOfExport {
                guard let damage = Damage.allCases.randomElement(using: &generator) else { return }
                // It went wrong before it was packed, or on the way.
                let damaged =
                    Bool.random(using: &generator)
                    ? damage.applied(to: export.bytes, using: &generator)
                    : export.packing.bytes(of: damage.applied(to: export.text, using: &generator))
                let deletes = try await plannedDeletes(of: damaged, in: store)
                guard !deletes.isEmpty else { continue }
                let reading = try Self.read(damaged, in: store)
                let place: Comment =
                    "seed \(seed), damage \(number): \(damage) of \(export.packing) at \(Self.place(damaged, export.bytes))"
                let wrong = deletes.intersection(kept).filter { !reading.explains($0, kept: kept) }
                #expect(wrong.isEmpty, place)
                #expect(deletes.allSatisfy { !reading.doubts($0) }, place)
            }
        }
    }

    /// Where the damage begins, and what stands there now.
    static func place(_ damaged: [UInt8], _ whole: [UInt8]) -> String {
        let start = zip(damaged, whole).enumerated().first { $1.0 != $1.1 }?.offset ?? min(damaged.count, whole.count)
        let around = damaged[max(0, start - 60)..<min(damaged.count, start + 120)]
        return "\(start): \(String(decoding: around, as: UTF8.self).debugDescription)"
    }

    private static func associations(using generator: inout SeededGenerator) -> [Association] {
        let style = Int.random(in: 0..<4, using: &generator)
        return (0..<Int.random(in: 30...80, using: &generator)).compactMap { number in
            // Some owners have several carts.
            let owner = number - number % Int.random(in: 1...3, using: &generator)
            let (ownerText, cartText) =
                switch style {
                case 0: ("c-\(owner)", "cart-\(number)")
                case 1: ("u\(owner)@example.org", "k\(number)")
                case 2: ("\(1000 + owner)", "\(50_000 + number)")
                default:
                    (
                        "0000\(1000 + owner)-93d1-4c55-9a61-0e6f0f5c2d01",
                        "5f0c2a91-b7e4-4386-aaaa-00000000\(1000 + number)"
                    )
                }
            guard let owner = OwnerID(ownerText), let cart = CartID(cartText) else { return nil }
            return Association(.customer, owner, cart)
        }
    }

    /// The deletes of a plan; none if the export is refused.
    private func plannedDeletes(of bytes: [UInt8], in store: Store) async throws -> Set<Association> {
        let path = try store.folder.write(bytes, to: "export")
        return try await store.withClient { client in
            let run = store.run(path, current: .ledger, client)
            var deletes: Set<Association> = []
            do {
                try await run.plan(keepingRejects: false).save(to: nil) { change in
                    if change.kind == .delete && change.withheld == nil { deletes.insert(change.association) }
                }
            } catch RunFailure.export {
                return []
            }
            return deletes
        }
    }

    /// What is read from a damaged export.
    private struct Reading {
        var usable: [Association: Int] = [:]
        var words: Set<Substring> = []

        /// Whether a well-formed record is left that has one identifier of the association in place of both.
        func explains(_ association: Association, kept: [Association]) -> Bool {
            var others = usable
            for known in kept { others[known, default: 0] -= 1 }
            return others.contains {
                $0.value > 0 && ($0.key.cart == association.cart || $0.key.owner == association.owner)
            }
        }

        func doubts(_ association: Association) -> Bool {
            words.contains(association.cart.text[...])
                || DamageTests.words(association.owner.id.text).allSatisfy(words.contains)
        }
    }

    private static func words(_ text: String) -> [Substring] {
        text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0))) }
    }

    private static func read(_ bytes: [UInt8], in store: Store) throws -> Reading {
        let path = try store.folder.write(bytes, to: "export")
        let file = try ExportFile.open(path, spoolFolder: store.folder.path)
        var found = Reading()
        var reading = try ExportReader().read(file)
        while let batch = try reading.next() {
            for case .usable(let record) in batch.decode(batch.records) {
                found.usable[record.association, default: 0] += 1
            }
            for part in batch.doubtful { found.words.formUnion(words(String(decoding: part.text, as: UTF8.self))) }
        }
        return found
    }
}

extension Ledger {
    /// Remembers associations that exist and that the source of tests asserts.
    func remember(_ associations: [Association]) throws {
        try beginRun(RunRecord(id: "before", command: "import", source: "a", scope: .owned, started: Date()))
        let draft = draftAssertions(by: "a", run: "before")
        for association in associations {
            try draft.add(association, fingerprintKey.fingerprint(association), place: nil, confirmation: .listed)
        }
        try assert(draft, at: Date())
    }
}
