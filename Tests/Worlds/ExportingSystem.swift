import CartAssociations

/// A system that writes exports of one source, night after night.
final class ExportingSystem {
    let source: String
    private let scenario: Scenario
    private var wanted: Set<Association> = []
    /// Exports that were written and come later, with the time when they were written.
    private var late: [(export: WrittenExport, written: Duration)] = []
    private var latest: (export: WrittenExport, written: Duration)?
    private var number = 0

    init(_ source: String, _ scenario: Scenario) {
        (self.source, self.scenario) = (source, scenario)
        let random = scenario.random("wanted \(source)")
        for _ in 0..<random.number(1...max(1, scenario.associations)) { add(random) }
    }

    private func add(_ random: SeededRandom) {
        let kind: OwnerKind = random.isOneIn(5) ? .account : .customer
        // Some owners have several carts, and some carts several owners; both systems may want the same.
        let owner = random.isOneIn(4) ? wanted.sorted().first { $0.owner.kind == kind }?.owner.id.text : nil
        let cart = random.isOneIn(6) ? wanted.sorted().last?.cart.text : nil
        let prefix = kind == .customer ? "u" : "a"
        if let association = Association.named(
            kind, owner ?? "\(prefix)-\(random.name())", cart ?? "k-\(random.name())")
        {
            wanted.insert(association)
        }
    }

    /// Something that it wants, or might want.
    func known(_ random: SeededRandom) -> Association? { wanted.isEmpty ? nil : random.pick(wanted.sorted()) }

    /// What it puts into the inbox on a night, with the times that the files have.
    func exports(_ night: Int, evening: Duration) -> [(WrittenExport, modified: Duration)] {
        let random = scenario.random("exports \(source)", night)
        var put: [(WrittenExport, modified: Duration)] = []
        let hasDisorder = scenario.has(.disorder)
        // What was late comes now, with its own time: older than what was applied since.
        if hasDisorder, !late.isEmpty, random.isOneIn(2) {
            let (export, written) = late.removeFirst()
            put.append((export, written))
        }
        if hasDisorder, random.isOneIn(8), let latest {
            number += 1
            put.append(
                (
                    WrittenExport("\(source)-\(number)-again", like: latest.export),
                    evening - .seconds(random.number(1...7200))
                ))
        }
        if random.isOneIn(8) { return put }
        let isDelta = hasDisorder && random.isOneIn(5) && !wanted.isEmpty
        let before = wanted
        change(random)
        number += 1
        let export =
            isDelta
            ? WrittenExport(
                "\(source)-\(number)", source: source, creates: wanted.subtracting(before),
                deletes: before.subtracting(wanted), isDelta: true, using: random)
            : WrittenExport("\(source)-\(number)", source: source, creates: wanted, using: random)
        guard !export.creates.isEmpty || !export.deletes.isEmpty else { return put }
        if scenario.has(.damage), random.isOneIn(4) { export.suffer(using: random) }
        latest = (export, evening)
        if hasDisorder, random.isOneIn(6) {
            late.append((export, evening))
        } else {
            put.append((export, evening))
        }
        return put
    }

    private func change(_ random: SeededRandom) {
        let share = random.pick([0, 0.02, 0.1, 0.1, 0.3, 0.7])
        for gone in random.some(of: wanted.sorted(), share) where wanted.count > 1 {
            wanted.remove(gone)
            // Some carts change hands.
            if random.isOneIn(3),
                let handed = Association.named(gone.owner.kind, "u-\(random.name())", gone.cart.text)
            {
                wanted.insert(handed)
            }
        }
        for _ in 0..<random.pick([0, 1, 1, 2, 5, scenario.associations / 3]) { add(random) }
    }

    /// A snapshot of what it wants now, for a person.
    func byHand(_ now: Duration) -> WrittenExport? {
        guard !wanted.isEmpty else { return nil }
        number += 1
        return WrittenExport(
            "\(source)-\(number)-by-hand", source: source, creates: wanted, using: scenario.random("hand", number))
    }

    /// What the last snapshot says, in other bytes.
    func sameAgain() -> WrittenExport {
        number += 1
        return WrittenExport(
            "\(source)-\(number)-same", source: source, creates: wanted, oddities: false,
            using: scenario.random("same \(source)"))
    }

    /// The last snapshot, which is whole and like none before.
    func lastExport() -> WrittenExport {
        let random = scenario.random("last \(source)")
        add(random)
        number += 1
        return WrittenExport(
            "\(source)-\(number)-last", source: source, creates: wanted, oddities: false, using: random)
    }
}
