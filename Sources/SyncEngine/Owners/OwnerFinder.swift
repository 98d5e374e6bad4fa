import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
import Ledger
import SyncReporting

/// Finds out which owners the keys of a run's exports stand for: from the crosswalk, from what the ledger remembers, and
/// from the store, in this order.
struct OwnerFinder {
    private let settings: OwnerKeySettings
    private let tools: RunTools
    private let exports: RunExports
    private let fields: [OwnerKeyField]
    private var form: OwnerKeyForm
    private var table = OwnerKeyTable()
    private(set) var figures: OwnerLookups

    /// Nil if the exports have ids and no keys.
    ///
    /// - Parameter asksStore: false leaves what neither crosswalk nor ledger know unknown.
    static func find(
        _ settings: OwnerKeySettings, _ reading: ReadingOptions, _ tools: RunTools, _ exports: RunExports,
        asksStore: Bool = true
    ) async throws -> (owners: KnownOwners, figures: OwnerLookups)? {
        let fields = try exports.ownerKeyFields()
        guard !fields.isEmpty else { return nil }
        var finder = OwnerFinder(settings, tools, exports, fields)
        try await finder.findForm(asksStore)
        try finder.collect()
        if let crosswalk = settings.crosswalk {
            try finder.read(Crosswalk(crosswalk, reading, spoolFolder: tools.ledger.folder))
        }
        try finder.recall()
        if asksStore { try await finder.ask() }
        (finder.figures.unknown, finder.figures.ambiguous) = finder.table.problems
        return (KnownOwners(finder.table, finder.form, finder.fields), finder.figures)
    }

    private init(
        _ settings: OwnerKeySettings, _ tools: RunTools, _ exports: RunExports, _ fields: Set<OwnerKeyField>
    ) {
        self.settings = settings
        self.tools = tools
        self.exports = exports
        self.fields = fields.sorted { $0.code < $1.code }
        form = OwnerKeyForm(key: tools.ledger.fingerprintKey, foldsCase: false)
        figures = OwnerLookups()
    }

    /// Reads the exports once for the keys alone.
    private mutating func collect() throws {
        tools.progress.enter(.reading)
        var wanted: [OwnerList: OwnerKeySet] = [:]
        var inDoubt = OwnerKeySet()
        var reading = exports.readKeys()
        while let batch = try reading.next() {
            let text = batch.text.span
            for record in batch.records {
                guard let statement = record.statement, let field = statement.keyField else { continue }
                wanted[OwnerList(field), default: OwnerKeySet()].insert(
                    form.fingerprint(field, text.extracting(statement.key.range)))
            }
            for part in batch.doubtful {
                OwnerKeyWords.forEach(in: part.text.span) { word in
                    for field in fields { inDoubt.insert(form.fingerprint(field, word)) }
                }
            }
        }
        table = OwnerKeyTable(wanted: wanted, inDoubt: inDoubt)
        figures.keys = table.wanted
    }

    private mutating func read(_ crosswalk: Crosswalk) throws {
        try crosswalk.forEach { field, key, owner in
            guard let position = table.position(of: form.fingerprint(field, key)) else { return }
            table.set(position, owner)
        }
        figures.fromCrosswalk = figures.keys - table.missing()
    }

    private mutating func recall() throws {
        let oldest = tools.time.wall() - settings.fresh / .seconds(1)
        let before = table.missing()
        let unsettled = table.unsettled
        // The visitor may not ask the ledger, and needs not.
        try tools.ledger.forEachOwner(of: unsettled.lazy.map { [table] in ($0, table.fingerprint($0)) }) {
            position, owner, at in
            guard let id = OwnerID(String(decodingBytesOf: owner)) else { return }
            table.set(position, id, isStale: at < oldest)
        }
        figures.remembered = before - table.missing()
    }
}

// MARK: - The store

extension OwnerFinder {
    /// The name under which the ledger remembers whether the store tells e-mails apart by the case of letters.
    private static let caseFact = "e-mails differ in case"

    /// Finds out whether the store takes e-mails that differ in case for one, if it matters and is not known.
    private mutating func findForm(_ asksStore: Bool) async throws {
        guard fields.contains(where: { $0.key == .email }) else { return }
        if let known = try tools.ledger.ownerFact(Self.caseFact) {
            form.foldsCase = known == "no"
            return
        }
        guard asksStore, tools.client.authentication == .clientCredentials else { return }
        figures.calls += 1
        let page = try await tools.client.owners(in: .customers, after: nil)
        for owner in page.owners {
            guard let email = owner.text(.email), OwnerList.canAsk(email) else { continue }
            let other = String(email.map { $0.isUppercase ? Character($0.lowercased()) : Character($0.uppercased()) })
            guard other != email, other.count == email.count else { continue }
            figures.calls += 1
            let found = try await tools.client.owners(in: .customers, with: .email, [other])
            form.foldsCase = found.contains { $0.id == owner.id }
            if tools.ledger.canRemember {
                try tools.ledger.rememberOwnerFact(Self.caseFact, form.foldsCase ? "no" : "yes")
            }
            return
        }
    }

    private mutating func ask() async throws {
        let before = table.missing()
        guard before > 0 else { return }
        guard tools.client.authentication == .clientCredentials else {
            throw RunFailure.noOwners(
                "\(Count.text(before, "owner")) can only be found with client credentials: a shopper's token shows one "
                    + "owner alone. Give a crosswalk that has them all, or set api.authentication to client_credentials"
            )
        }
        for list in OwnerList.allCases where table.missing(in: list) > 0 {
            if list.isReadable, let first = try await firstPage(of: list) {
                try await walk(list, first)
            } else {
                try await ask(list)
            }
        }
        figures.asked = before - table.missing()
    }

    private func fields(of list: OwnerList) -> [OwnerKeyField] { fields.filter { OwnerList($0) == list } }

    private static func sizeFact(_ list: OwnerList) -> String { "number of \(list.words)" }

    /// The calls that ask for every missing key of a list.
    private func asks(_ list: OwnerList) -> Int {
        let each = fields(of: list).map {
            list.keysOfCall($0.key, takesReferences: settings.takesReferenceLists)
        }
        let calls = (table.missing(in: list) - 1) / (each.min() ?? 1) + 1
        // Members have their accounts elsewhere.
        return list == .members ? 2 * calls : calls
    }

    /// The first page of the list, if it takes fewer calls to read all of it; nil to ask for each key.
    private mutating func firstPage(of list: OwnerList) async throws -> OwnersPage? {
        let asks = asks(list)
        let known = try tools.ledger.ownerFact(Self.sizeFact(list)).flatMap(Int.init)
        if let known, known / CommerceClient.ownersOfPage >= asks { return nil }
        guard asks > 1 else { return nil }
        figures.calls += 1
        let page = try await tools.client.owners(in: list, after: nil)
        let size = known ?? page.estimatedTotal
        if known == nil, let size, tools.ledger.canRemember {
            try tools.ledger.rememberOwnerFact(Self.sizeFact(list), "\(size)")
        }
        return size.map { $0 / CommerceClient.ownersOfPage < asks } ?? false ? page : nil
    }

    /// Reads a whole list.
    private mutating func walk(_ list: OwnerList, _ first: OwnersPage) async throws {
        let fields = fields(of: list)
        let pages = (first.estimatedTotal ?? 0) / CommerceClient.ownersOfPage + 1
        tools.progress.enter(.lookingUp, total: pages)
        figures.lists.append(list.words)
        var page = first
        var (read, size) = (1, 0)
        while true {
            size += page.owners.count
            for owner in page.owners {
                guard let id = OwnerID(owner.id) else { continue }
                for field in fields {
                    guard let text = owner.text(field.key),
                        let position = table.position(of: form.fingerprint(field, text)), table.ask(position)
                    else { continue }
                    table.set(position, id)
                }
            }
            tools.progress.advance(to: read)
            // The last page may be full, and then one more is empty.
            guard page.owners.count == CommerceClient.ownersOfPage, let last = page.owners.last?.id else { break }
            if tools.stop.isStopped { throw RunFailure.stopped }
            page = try await tools.client.owners(in: list, after: last)
            read += 1
        }
        figures.calls += read - 1
        guard tools.ledger.canRemember else { return }
        try tools.ledger.rememberOwnerFact(Self.sizeFact(list), "\(size)")
        try remember(table.positions, .directory)
    }

    /// Keys whose texts are held at a time.
    private static let keysHeld = 20_000

    /// Asks for each key by itself, or for some at a time where the list takes several.
    private mutating func ask(_ list: OwnerList) async throws {
        let total = asks(list)
        tools.progress.enter(.lookingUp, total: total)
        var done = 0
        while true {
            var questions = try textsOfMissing(list)
            guard !questions.isEmpty else { return }
            let asked = questions.flatMap(\.positions)
            for position in asked { _ = table.ask(position) }
            // What cannot stand in a question has no answer.
            questions.removeAll { question in question.texts.contains { !OwnerList.canAsk($0) } }
            let (answers, calls) = try await answers(to: questions, list, after: done)
            for (position, owners) in answers { set(position, owners) }
            figures.calls += calls
            done += questions.count
            if tools.ledger.canRemember { try remember(asked, .asked) }
        }
    }

    private mutating func set(_ position: Int, _ owners: Set<String>) {
        if owners.count > 1 { return table.setAmbiguous(position, owners.count) }
        if let id = owners.first.flatMap(OwnerID.init) { table.set(position, id) }
    }

    private func remember(_ positions: some Sequence<Int>, _ origin: Ledger.OwnerKeyOrigin) throws {
        var text: [UInt8] = []
        try tools.ledger.rememberOwners(
            positions.lazy.filter(table.isAnswered).compactMap { position -> (key: Fingerprint, owner: OwnerID)? in
                text.removeAll(keepingCapacity: true)
                guard case .owner = table.meaning(of: position, into: &text) else { return nil }
                return OwnerID(String(decoding: text, as: UTF8.self)).map { (table.fingerprint(position), $0) }
            }, origin, at: tools.time.wall())
    }
}

/// Keys of one kind that one call asks for.
private struct OwnerQuestion: Sendable {
    let field: OwnerKeyField
    var positions: [Int]
    var texts: [String]
}

extension OwnerFinder {
    /// Reads the exports again for the texts of keys that have not been asked for, as many as are held at a time.
    private func textsOfMissing(_ list: OwnerList) throws -> [OwnerQuestion] {
        var questions: [OwnerQuestion] = []
        var open: [OwnerKeyField: Int] = [:]
        var held: Set<Int> = []
        var reading = exports.readKeys()
        while held.count < Self.keysHeld, let batch = try reading.next() {
            let text = batch.text.span
            for record in batch.records {
                guard let statement = record.statement, let field = statement.keyField, OwnerList(field) == list,
                    let position = table.position(
                        of: form.fingerprint(field, text.extracting(statement.key.range))),
                    table.asks(for: position), held.insert(position).inserted
                else { continue }
                let key = String(decodingBytesOf: text.extracting(statement.key.range))
                let most = list.keysOfCall(field.key, takesReferences: settings.takesReferenceLists)
                if most > 1, OwnerList.canAsk(key), let last = open[field], questions[last].texts.count < most,
                    questions[last].texts.reduce(key.utf8.count, { $0 + $1.utf8.count + 3 }) < OwnerList.mostBytes
                {
                    questions[last].positions.append(position)
                    questions[last].texts.append(key)
                } else {
                    if OwnerList.canAsk(key) { open[field] = questions.count }
                    questions.append(OwnerQuestion(field: field, positions: [position], texts: [key]))
                }
            }
        }
        return questions
    }

    /// Asks several questions at a time; returns the owners of each key by its position, and the calls that were made.
    private func answers(
        to questions: [OwnerQuestion], _ list: OwnerList, after done: Int
    ) async throws -> ([(Int, Set<String>)], Int) {
        let client = tools.client
        let form = form
        var found: [(Int, Set<String>)] = []
        var (calls, done) = (0, done)
        try await withThrowingTaskGroup(of: ([(Int, Set<String>)], Int).self) { group in
            var next = questions.makeIterator()
            for _ in 0..<max(1, client.concurrency) {
                guard let question = next.next() else { break }
                group.addTask { try await question.answer(client, list, form) }
            }
            while let (answers, made) = try await group.next() {
                found += answers
                calls += made
                done += 1
                tools.progress.advance(to: done)
                if let question = next.next() { group.addTask { try await question.answer(client, list, form) } }
            }
        }
        return (found, calls)
    }
}

extension OwnerQuestion {
    /// Asks; returns the owners of each key by its position, and the calls that were made.
    fileprivate func answer(
        _ client: CommerceClient, _ list: OwnerList, _ form: OwnerKeyForm
    ) async throws -> ([(Int, Set<String>)], Int) {
        let listed = try await client.owners(in: list, with: field.key, texts)
        var calls = 1
        if list == .members {
            var accounts: Set<String> = []
            for member in Set(listed.map(\.id)) {
                accounts.formUnion(try await client.accounts(ofMember: member))
                calls += 1
            }
            return ([(positions[0], accounts)], calls)
        }
        guard texts.count > 1 else { return ([(positions[0], Set(listed.map(\.id)))], calls) }
        var owners: [Fingerprint: Set<String>] = [:]
        for owner in listed {
            guard let key = owner.text(field.key) else { continue }
            owners[form.fingerprint(field, key), default: []].insert(owner.id)
        }
        return (zip(positions, texts).map { ($0, owners[form.fingerprint(field, $1)] ?? []) }, calls)
    }
}

extension OwnersPage {
    /// How many owners the list has: as the store says, or as far as its first ids let guess, which are random; nil if
    /// neither tells.
    fileprivate var estimatedTotal: Int? {
        if isExact { return total }
        guard owners.count == CommerceClient.ownersOfPage, let last = owners.last,
            let id = PackedID.packed(last.id), id.high >> 32 > 0
        else { return nil }
        return Int(Double(owners.count) / (Double(id.high >> 32) / 4_294_967_296))
    }
}
