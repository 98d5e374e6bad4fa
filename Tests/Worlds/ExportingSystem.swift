import CartAssociations

/// A system that writes exports of one source, night after night.
final class ExportingSystem {
    /// A file that it puts somewhere, with the time that the file has.
    typealias Put = (export: WrittenExport, modified: Duration)

    let source: String
    private let scenario: Scenario
    /// The e-mails that it names customers by; nil if it has their ids.
    let customers: Customers?
    private var wanted: Set<Association> = []
    /// Files that were written and come later, with the time when they were written.
    private var late: [Put] = []
    private var latest: Put?
    private var number = 0
    /// Exports of which a part never comes, by what their names have in common.
    private(set) var lacking: Set<String> = []

    init(_ source: String, _ scenario: Scenario, _ customers: Customers?) {
        (self.source, self.scenario, self.customers) = (source, scenario, customers)
        let random = scenario.random("wanted \(source)")
        for _ in 0..<random.number(1...max(1, scenario.associations)) { add(random) }
    }

    private func add(_ random: SeededRandom) {
        let kind: OwnerKind = random.isOneIn(5) && customers == nil ? .account : .customer
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

    private var content: WrittenExport.Content { .init(source: source, creates: wanted, customers: customers) }

    /// What it puts into the inbox on a night.
    func exports(_ night: Int, evening: Duration) -> [Put] {
        let random = scenario.random("exports \(source)", night)
        var put: [Put] = []
        let hasDisorder = scenario.has(.disorder)
        // What was late comes now, with its own time: older than what was applied since.
        if !late.isEmpty, random.isOneIn(2) { put.append(late.removeFirst()) }
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
        var new = content
        if isDelta {
            (new.creates, new.deletes) = (wanted.subtracting(before), before.subtracting(wanted))
            new.isDelta = true
        }
        guard !new.creates.isEmpty || !new.deletes.isEmpty else { return put }
        let parts = scenario.random("parts \(source)", night)
        if scenario.has(.parts), !isDelta, wanted.count > 1, parts.isOneIn(4) {
            return put + inParts(new, evening, parts)
        }
        let export = WrittenExport("\(source)-\(number)", new, using: random)
        if scenario.has(.parts), parts.isOneIn(4) { export.announce(using: parts) }
        if scenario.has(.damage), random.isOneIn(4) { export.suffer(using: random) }
        latest = (export, evening)
        if hasDisorder, random.isOneIn(6) {
            late.append((export, evening))
        } else {
            put.append((export, evening))
        }
        return put
    }

    /// An export in parts, one of which may come later or never.
    private func inParts(_ new: WrittenExport.Content, _ evening: Duration, _ random: SeededRandom) -> [Put] {
        let name = "\(source)-\(number)"
        var files = WrittenExport.parts(name, new, count: random.number(2...min(4, wanted.count)), using: random)
        if scenario.has(.damage), random.isOneIn(6) { random.pick(files).suffer(using: random) }
        let missing = random.isOneIn(4) ? files.remove(at: random.index(files.count)) : nil
        if let missing {
            // One that nobody can read, and that is alone, is never made void by what is newer: people are told of it.
            if random.isOneIn(3) || !missing.isWhole { lacking.insert(name) } else { late.append((missing, evening)) }
        }
        return files.map { ($0, evening - random.seconds(0...1200)) }
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
        return WrittenExport("\(source)-\(number)-by-hand", content, using: scenario.random("hand", number))
    }

    /// What the last snapshot says, in other bytes.
    func sameAgain() -> WrittenExport {
        number += 1
        return WrittenExport(
            "\(source)-\(number)-same", content, oddities: false, using: scenario.random("same \(source)", number))
    }

    /// The last snapshot, which is whole and like none before, with what was late until now.
    func lastExports(_ now: Duration, isNew: (WrittenExport) -> Bool) -> (last: WrittenExport, late: [Put]) {
        let random = scenario.random("last \(source)")
        var last: WrittenExport
        repeat {
            add(random)
            number += 1
            last = WrittenExport("\(source)-\(number)-last", content, oddities: false, using: random)
        } while !isNew(last)
        return (last, late)
    }
}
