import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import SyncReporting

/// How far a list of owners has been read: several ranges of its ids at a time, each page by page.
///
/// Whatever the order is in which the store has ids, each owner is in the range behind the last bound that comes before it,
/// so that none is passed over. Ids that are random make the ranges about equal.
struct OwnerListReading: Codable {
    /// A range of ids, and how far it has been read.
    struct Range: Codable {
        /// The last id that was read, or what the range begins behind; nil at the beginning of the list.
        var after: String?
        /// The last id that belongs to it; nil to the end of the list.
        let through: String?
        var isRead = false

        fileprivate mutating func add(_ page: OwnersPage) {
            after = page.owners.last?.id ?? after
            // The last page may be full, and then one more is empty.
            isRead = page.owners.count < CommerceClient.ownersOfPage
        }
    }

    /// The list in words, as figures and the ledger have it.
    let list: String
    /// Which keys the list is read for.
    let keys: String
    let began: Date
    /// About how many pages there are in all.
    let pages: Int
    var ranges: [Range]
    /// Owners so far.
    var size = 0
    /// The first page, if it is there already.
    private(set) var first: OwnersPage?

    enum CodingKeys: CodingKey { case list, keys, began, pages, ranges, size }

    /// Pages of a range at least: each range may take one page more than there are, and one to see its end.
    private static let pagesOfRange = 25
    private static let mostRanges = 4
    /// Very long lists have more ranges, which is still no matter beside their pages.
    private static let pagesOfFurtherRange = 5_000
    /// A list that was begun earlier is read anew.
    private static let longest: TimeInterval = 86_400

    /// - Parameters:
    ///   - keys: tells the keys that are looked for from others.
    ///   - pages: about how many there are.
    ///   - most: ranges at the same time, at most.
    ///   - first: the first page.
    init(_ list: OwnerList, _ keys: String, began: Date, pages: Int, ranges most: Int, first: OwnersPage) {
        self.list = list.words
        self.keys = keys
        self.began = began
        self.pages = pages
        self.first = first
        let wanted =
            min(Self.mostRanges, pages / Self.pagesOfRange) + pages / Self.pagesOfFurtherRange / Self.mostRanges
        let count = max(1, min(most, wanted))
        let bounds = (1..<count).map { number in
            let high = UInt64.max / UInt64(count) * UInt64(number)
            var text: [UInt8] = []
            PackedID.append((high, 0), to: &text)
            return String(decoding: text, as: UTF8.self)
        }
        ranges = zip([nil] + bounds, bounds + [nil]).map { Range(after: $0, through: $1) }
    }

    /// What was begun and not ended, for the same keys and not long ago; nil if nothing was.
    static func left(of list: OwnerList, _ keys: String, in tools: RunTools) throws -> OwnerListReading? {
        guard let text = try tools.ledger.listReading(),
            let reading = try? JSONDecoder().decode(OwnerListReading.self, from: Data(text.utf8)),
            reading.list == list.words, reading.keys == keys,
            (0..<longest).contains(tools.time.wall().timeIntervalSince(reading.began))
        else { return nil }
        return reading
    }

    var text: String {
        get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
    }

    /// Takes note of a page of a range.
    mutating func add(_ page: OwnersPage, of range: Int) {
        size += page.owners.count
        ranges[range].add(page)
    }
}

extension OwnerFinder {
    /// Pages after which it is remembered what was found.
    private static let pagesHeld = 100

    /// Reads a whole list.
    ///
    /// What was found is remembered as it goes, so that a run that was stopped or killed goes on where this one was. It is
    /// believed when the list has been read to its end: until then a key may stand for another owner, too.
    mutating func read(_ list: OwnerList, _ start: OwnerListReading) async throws {
        tools.progress.enter(.lookingUp, total: start.pages)
        figures.lists.append(list.words)
        var reading = start
        if start.first == nil { try takeUp(list) } else if tools.ledger.canRemember { try tools.ledger.forgetReading() }
        var found: Set<Int> = []
        if let first = start.first {
            take(first, of: list, &found)
            reading.add(first, of: 0)
        }
        while reading.ranges.contains(where: { !$0.isRead }) {
            let (pages, failure) = await somePages(of: list, reading)
            figures.calls += pages.count
            for (range, page) in pages {
                take(page, of: list, &found)
                reading.add(page, of: range)
            }
            if let failure {
                // A part that cannot be remembered is read again.
                try? remember(reading, found)
                throw failure
            }
            try remember(reading, found)
            found.removeAll(keepingCapacity: true)
        }
        guard tools.ledger.canRemember else { return }
        try rememberSize(reading.size, of: list)
        try remember(table.positions.filter { table.isAnswered($0, by: list) }, of: table, .directory)
        try tools.ledger.forgetReading()
    }

    /// Reads on in all ranges for some pages; returns them with their ranges, and why no more could be read.
    private func somePages(
        of list: OwnerList, _ reading: OwnerListReading
    ) async -> (pages: [(Int, OwnersPage)], failure: (any Error)?) {
        let client = tools.client
        var ranges = reading.ranges
        var begun = 0
        let earlier = reading.size / CommerceClient.ownersOfPage
        var pages: [(Int, OwnersPage)] = []
        var failure: (any Error)?
        await withTaskGroup(of: (Int, Result<OwnersPage, APIError>).self) { group in
            for (number, range) in ranges.enumerated() where !range.isRead {
                group.addTask { (number, await client.page(of: list, range)) }
                begun += 1
            }
            while let (number, answer) = await group.next() {
                switch answer {
                case .success(let page):
                    pages.append((number, page))
                    ranges[number].add(page)
                    tools.progress.advance(to: earlier + pages.count)
                case .failure(let error): failure = failure ?? error
                }
                if tools.stop.isStopped { failure = failure ?? RunFailure.stopped }
                let range = ranges[number]
                guard failure == nil, !range.isRead, begun < Self.pagesHeld else { continue }
                group.addTask { (number, await client.page(of: list, range)) }
                begun += 1
            }
        }
        return (pages, failure)
    }

    private mutating func take(_ page: OwnersPage, of list: OwnerList, _ found: inout Set<Int>) {
        for owner in page.owners {
            guard let id = OwnerID(owner.id) else { continue }
            for field in fields(of: list) {
                guard let text = owner.text(field.key),
                    let position = table.position(of: form.fingerprint(field, text)), table.ask(position)
                else { continue }
                table.set(position, id)
                found.insert(position)
            }
        }
    }

    /// Remembers how far a list was read, and what was found since the last time.
    private func remember(_ reading: OwnerListReading, _ found: Set<Int>) throws {
        guard tools.ledger.canRemember else { return }
        let keys = found.sorted().lazy.compactMap { [table] position -> Ledger.ListedKey? in
            table.owner(of: position).map { (table.fingerprint(position), $0.id, $0.count) }
        }
        try tools.ledger.rememberReading(keys, progress: try reading.text)
    }

    /// Takes up what was found in the part of a list that was read before.
    private mutating func takeUp(_ list: OwnerList) throws {
        try tools.ledger.forEachListedKey { key, owner, count in
            guard let position = table.position(of: key), table.asks(for: position, in: list), table.ask(position)
            else {
                return
            }
            if count > 1 { table.setAmbiguous(position, count) } else { table.set(position, owner) }
        }
    }
}

extension CommerceClient {
    /// The next page of a range.
    fileprivate func page(
        of list: OwnerList, _ range: OwnerListReading.Range
    ) async -> Result<OwnersPage, APIError> {
        do throws(APIError) {
            return .success(try await owners(in: list, after: range.after, through: range.through))
        } catch {
            return .failure(error)
        }
    }
}
