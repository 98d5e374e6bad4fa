import CartAssociations
import ExportFiles
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SyncEngine

/// What a damaged export may not do whose owners are named by keys, and whose carts are called otherwise in the store:
/// delete what the export still had before it was damaged.
@Suite("a damaged export with keys of owners")
struct KeyDamageTests {
    @Test(
        "deletes nothing that it still had, and nothing whose key or cart stands in a doubtful part",
        arguments: DamageTests.seeds)
    func deletes(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed &+ 1_000_000)
        let keys = Keys(using: &generator)
        let known = keys.associations(using: &generator)
        let kept = known.filter { _ in Int.random(in: 0..<8, using: &generator) > 0 }
        let export = RandomExport(kept.shuffled(using: &generator), keys.names, using: &generator)
        try await withStore { store in
            try store.ledger.remember(known)
            try keys.remember(known, in: store.ledger)
            let whole = try await plannedDeletes(of: export.bytes, keys, in: store)
            #expect(whole == Set(known).subtracting(kept), "seed \(seed), undamaged")
            for number in 0..<DamageTests.damagesOfExport {
                guard let damage = Damage.allCases.randomElement(using: &generator) else { return }
                let damaged =
                    Bool.random(using: &generator)
                    ? damage.applied(to: export.bytes, using: &generator)
                    : export.packing.bytes(of: damage.applied(to: export.text, using: &generator))
                let deletes = try await plannedDeletes(of: damaged, keys, in: store)
                guard !deletes.isEmpty else { continue }
                let reading = try keys.read(damaged, known, in: store)
                let place: Comment =
                    "seed \(seed), damage \(number): \(damage) of \(export.packing) at \(DamageTests.place(damaged, export.bytes))"
                #expect(deletes.intersection(kept).filter { !reading.explains($0, kept: kept) }.isEmpty, place)
                #expect(deletes.filter { reading.doubts($0, keys) }.isEmpty, place)
            }
        }
    }

    /// The deletes of a plan; none if the export is refused.
    private func plannedDeletes(of bytes: [UInt8], _ keys: Keys, in store: Store) async throws -> Set<Association> {
        let path = try store.folder.write(bytes, to: "export")
        return try await store.withClient { client in
            let run = store.run(path, current: .ledger, client) {
                $0.reading.carts = keys.carts
                $0.planGuard.maxUnknownOwners = .share(1)
            }
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
}

/// What an export calls owners and carts, in a form that its system chose.
private struct Keys: Sendable {
    let field: OwnerKeyField
    /// A key but for the number in it.
    let form: (before: String, behind: String)
    let cartForm: (before: String, behind: String)
    let carts: CartNames

    private static let references = [
        ("K ", ""), ("HRB ", " B"), ("Müller & Söhne ", ""), ("a \"b\" ", "c"), ("7, rue ", ""), ("", " Ltd."),
        ("R-", ""),
        ("x;", ";y"), ("O'Brien ", "'s"), ("<k", ">"), ("=", ""), ("two  blanks ", ""), ("#", "!"),
    ]

    init(using generator: inout SeededGenerator) {
        let isEmail = Bool.random(using: &generator)
        field = OwnerKeyField(isEmail ? .email : .externalRef, of: .customer)
        form =
            isEmail
            ? [("u", "@x.example"), ("First.Last+", "@mail.x.example"), ("\"q ", "\"@x.example")]
                .randomElement(using: &generator) ?? ("u", "@x.example")
            : Self.references.randomElement(using: &generator) ?? ("R-", "")
        var carts = CartNames()
        cartForm =
            [("cart-", ""), ("c/", ""), ("Ann's cart ", ""), ("é", ""), ("", "_a b")].randomElement(using: &generator)
            ?? ("cart-", "")
        carts.unsafe = cartForm.before == "cart-" && Bool.random(using: &generator) ? .reject : .encode
        carts.prefix = Bool.random(using: &generator) ? "L-" : ""
        self.carts = carts
    }

    func key(_ association: Association) -> String {
        "\(form.before)\(association.owner.id.text.dropFirst(3))\(form.behind)"
    }

    func cart(_ association: Association) -> String { carts.name(of: association.cart) ?? "" }

    var names: RandomExport.Names {
        var names = RandomExport.Names()
        names.ownerColumn = field.key == .email ? "customer_email" : "customer_ref"
        names.owner = { key($0) }
        names.cart = { cart($0) }
        return names
    }

    func associations(using generator: inout SeededGenerator) -> [Association] {
        (0..<Int.random(in: 30...60, using: &generator)).compactMap { number in
            // Some owners have several carts.
            let owner = number - number % Int.random(in: 1...3, using: &generator)
            var cart: [UInt8] = []
            let name = Array("\(cartForm.before)\(1000 + number)\(cartForm.behind)".utf8)
            carts.append(name.span, to: &cart)
            guard let id = OwnerID("id-\(100 + owner)"), let cart = CartID(String(decoding: cart, as: UTF8.self)) else {
                return nil
            }
            return Association(.customer, id, cart)
        }
    }

    private func fingerprint(_ key: String, in ledger: Ledger) -> Fingerprint {
        OwnerKeyForm(key: ledger.fingerprintKey, foldsCase: true).fingerprint(field, key)
    }

    /// Has the ledger remember what the keys stand for, as the run did that made the associations.
    func remember(_ known: [Association], in ledger: Ledger) throws {
        try ledger.rememberOwnerFact("e-mails differ in case", "no")
        let separators = known.map { key in
            let bytes = Array(self.key(key).utf8)
            return DoubtfulValues.separators(in: bytes.span)
        }
        try ledger.rememberOwnerFact("separators in keys", "\(separators.max() ?? 0)")
        try ledger.rememberOwners(
            known.map { (key: fingerprint(key($0), in: ledger), owner: $0.owner.id) }, .asked, at: Date())
    }

    /// What is read from a damaged export.
    struct Reading {
        var usable: [Association: Int] = [:]
        var parts: [String] = []

        /// Whether a well-formed record is left that has one identifier of the association in place of both.
        func explains(_ association: Association, kept: [Association]) -> Bool {
            var others = usable
            for known in kept { others[known, default: 0] -= 1 }
            return others.contains {
                $0.value > 0 && ($0.key.cart == association.cart || $0.key.owner == association.owner)
            }
        }

        /// Whether the key or the cart stands in a doubtful part, in the form that the format has for it.
        func doubts(_ association: Association, _ keys: Keys) -> Bool {
            [keys.key(association), keys.cart(association)].contains { value in
                [value, value.replacing("\"", with: "\"\"")].contains { form in parts.contains { Self.has($0, form) } }
            }
        }

        private static func has(_ part: String, _ value: String) -> Bool {
            func ends(_ character: Character?) -> Bool {
                character.map { $0.isASCII && !$0.isLetter && !$0.isNumber && !".-_@+".contains($0) } ?? true
            }
            return part.ranges(of: value).contains { range in
                ends(part[..<range.lowerBound].last) && ends(part[range.upperBound...].first)
            }
        }
    }

    func read(_ bytes: [UInt8], _ known: [Association], in store: Store) throws -> Reading {
        let path = try store.folder.write(bytes, to: "export")
        let file = try ExportFile.open(path, spoolFolder: store.folder.path)
        var options = ReadingOptions()
        options.carts = carts
        let owners = Owners(ids: Dictionary(known.map { (key($0), $0.owner.id.text) }, uniquingKeysWith: { $1 }))
        var found = Reading()
        var reading = try ExportReader(options: options, owners: owners).read(file)
        while let batch = try reading.next() {
            for case .usable(let record) in batch.decode(batch.records) {
                found.usable[record.association, default: 0] += 1
            }
            found.parts += batch.doubtful.map { String(decoding: $0.text, as: UTF8.self) }
        }
        return found
    }

    private struct Owners: OwnerResolver {
        let ids: [String: String]

        func resolve(_ field: OwnerKeyField, _ key: Span<UInt8>, into text: inout [UInt8]) -> OwnerResolution {
            guard let id = ids[String(decodingBytesOf: key)] else { return .unknown }
            text += id.utf8
            return .found
        }
    }
}
