import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
import Ledger
import Logging
import SyncReporting

extension OwnerFinder {
    /// The name under which the ledger remembers whether the store tells e-mails apart by the case of letters.
    private static let caseFact = "e-mails differ in case"

    /// Finds out whether the store takes e-mails that differ in case for one, if it matters and is not known.
    mutating func findForm(_ asksStore: Bool) async throws {
        guard fields.contains(where: { $0.key == .email }) else { return }
        if let known = try tools.ledger.ownerFact(Self.caseFact) {
            form.foldsCase = known == "no"
            return
        }
        guard asksStore, tools.client.authentication == .clientCredentials else { return }
        figures.calls += 1
        let page = try await tools.client.owners(in: .customers, after: nil)
        firstCustomers = page
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

    /// Asks for what neither crosswalk nor ledger know, or says what that would take.
    mutating func askStore(_ asksStore: Bool) async throws {
        let before = table.missing()
        guard before > 0 else { return }
        guard asksStore else {
            figures.asking = try OwnerList.allCases.filter { table.missing(in: $0) > 0 }.map {
                try asking($0, knownSize($0))
            }
            return
        }
        guard tools.client.authentication == .clientCredentials else {
            throw RunFailure.noOwners(
                "\(Count.text(before, "owner")) can only be found with client credentials: a shopper's token shows one "
                    + "owner alone. Give a crosswalk that has them all, or set api.authentication to client_credentials"
            )
        }
        for list in OwnerList.allCases where table.missing(in: list) > 0 {
            if list.isReadable, let reading = try await reading(of: list) {
                try await read(list, reading)
            } else {
                try await askForEach(list)
            }
        }
        figures.asked = before - table.missing()
    }

    func fields(of list: OwnerList) -> [OwnerKeyField] { fields.filter { OwnerList($0) == list } }

    // MARK: - Which way

    private static func sizeFact(_ list: OwnerList) -> String { "number of \(list.words)" }

    /// How many owners a list has, as far as the ledger remembers.
    private func knownSize(_ list: OwnerList) throws -> Int? {
        try tools.ledger.ownerFact(Self.sizeFact(list)).flatMap(Int.init)
    }

    func rememberSize(_ size: Int, of list: OwnerList) throws {
        if tools.ledger.canRemember { try tools.ledger.rememberOwnerFact(Self.sizeFact(list), "\(size)") }
    }

    /// The calls that ask for every missing key of a list.
    private func questions(_ list: OwnerList) -> Int {
        let each = fields(of: list).map {
            list.keysOfCall($0.key, takesReferences: settings.takesReferenceLists)
        }
        let calls = (table.missing(in: list) - 1) / (each.min() ?? 1) + 1
        // Members have their accounts elsewhere.
        return list == .members ? 2 * calls : calls
    }

    /// How a list is asked that has so many owners.
    private func asking(_ list: OwnerList, _ size: Int?) -> OwnerLookups.Asking {
        let questions = questions(list)
        let pages = list.isReadable ? size.map { $0 / CommerceClient.ownersOfPage + 1 } : nil
        let isWhole = pages.map { $0 <= questions } ?? false
        return OwnerLookups.Asking(
            list: list.words, keys: table.missing(in: list), calls: isWhole ? pages ?? questions : questions,
            isWhole: isWhole)
    }

    /// How the whole list is read, from its beginning or from where it was left, if that takes fewer calls; nil to ask for
    /// each key.
    private mutating func reading(of list: OwnerList) async throws -> OwnerListReading? {
        let digest = digest(of: list)
        if let left = try OwnerListReading.left(of: list, digest, in: tools) {
            tell(asking(list, try knownSize(list)))
            return left
        }
        let known = try knownSize(list)
        let questions = questions(list)
        if let known, known / CommerceClient.ownersOfPage >= questions || questions == 1 {
            tell(asking(list, known))
            return nil
        }
        guard questions > 1 else {
            tell(asking(list, nil))
            return nil
        }
        let page: OwnersPage
        if list == .customers, let firstCustomers {
            page = firstCustomers
        } else {
            figures.calls += 1
            page = try await tools.client.owners(in: list, after: nil)
        }
        let size = known ?? page.estimatedTotal
        if known == nil, let size { try rememberSize(size, of: list) }
        let way = asking(list, size)
        tell(way)
        guard way.isWhole else { return nil }
        return OwnerListReading(
            list, digest, began: tools.time.wall(), pages: way.calls, ranges: tools.client.concurrency, first: page)
    }

    /// Says how the store is asked, before it is.
    private mutating func tell(_ way: OwnerLookups.Asking) {
        figures.asking.append(way)
        tools.progress.tell("owners are looked up in the store: \(way.sentence)")
        tools.log.info("owners are looked up", metadata: ["how": "\(way.sentence)"])
    }

    /// What tells one set of keys that a list is asked for from another.
    private func digest(of list: OwnerList) -> String {
        var (sum, count) = (UInt64(0), 0)
        for position in table.positions where table.asks(for: position, in: list) {
            let key = table.fingerprint(position)
            sum &+= key.high ^ key.low
            count += 1
        }
        return "\(count) \(sum)"
    }

    // MARK: - Key by key

    /// Keys whose texts are held at a time.
    private static let keysHeld = 20_000

    /// Asks for each key by itself, or for some at a time where the list takes several.
    private mutating func askForEach(_ list: OwnerList) async throws {
        tools.progress.enter(.lookingUp, total: questions(list))
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
            if tools.ledger.canRemember {
                try remember(asked.filter { table.isAnswered($0, by: list) }, of: table, .asked)
            }
        }
    }

    private mutating func set(_ position: Int, _ owners: Set<String>) {
        if owners.count > 1 { return table.setAmbiguous(position, owners.count) }
        if let id = owners.first.flatMap(OwnerID.init) { table.set(position, id) }
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
    var estimatedTotal: Int? {
        if isExact { return total }
        guard owners.count == CommerceClient.ownersOfPage, let last = owners.last,
            let id = PackedID.packed(last.id), id.high >> 32 > 0
        else { return nil }
        return Int(Double(owners.count) / (Double(id.high >> 32) / 4_294_967_296))
    }
}
