import CartAssociations
import CommerceAPI
import ExportFiles

/// The keys that the exports of a run have in the place of owners' ids, and what each stands for.
///
/// Keys are fingerprints and ids that are UUIDs take 16 bytes: 29 bytes a key, however long it is.
struct OwnerKeyTable: Sendable {
    private struct State: OptionSet {
        let rawValue: UInt8
        /// A usable record has it as the key of its owner.
        static let isWanted = State(rawValue: 1)
        static let hasOwner = State(rawValue: 2)
        /// The owner's id is no UUID: it stands at a position of `others`.
        static let isOther = State(rawValue: 4)
        /// It stands for several owners; their number is in the owner's place.
        static let isAmbiguous = State(rawValue: 8)
        /// The owner was found too long ago to be believed now.
        static let isStale = State(rawValue: 16)
        /// The store was asked for it.
        static let isAsked = State(rawValue: 32)
        private static let listShift: UInt8 = 6

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(of list: OwnerList) { rawValue = UInt8(list.rawValue) << Self.listShift | State.isWanted.rawValue }

        /// The list that has it, if it is wanted.
        var list: OwnerList? { OwnerList(rawValue: Int(rawValue >> Self.listShift)) }

        var isSettled: Bool { contains(.isAmbiguous) || contains(.hasOwner) && !contains(.isStale) }
    }

    /// The first 64 bits of the keys, in ascending order, and the next 32.
    private let high: [UInt64]
    private let low: [UInt32]
    private var owners: [(high: UInt64, low: UInt64)]
    private var states: [State]
    private var others: [String] = []

    /// Makes a table of keys that stand for nobody yet.
    ///
    /// - Parameters:
    ///   - wanted: those of usable records, by the list that has them.
    ///   - inDoubt: what may be one, in parts that were not understood.
    init(wanted: consuming [OwnerList: OwnerKeySet] = [:], inDoubt: consuming OwnerKeySet = OwnerKeySet()) {
        var sets: [(keys: [Fingerprint], state: State)] = []
        for list in OwnerList.allCases {
            if let keys = wanted.removeValue(forKey: list)?.sorted() { sets.append((keys, State(of: list))) }
        }
        sets.append((inDoubt.sorted(), []))
        let count = sets.reduce(0) { $0 + $1.keys.count }
        var (high, low, states): ([UInt64], [UInt32], [State]) = ([], [], [])
        high.reserveCapacity(count)
        low.reserveCapacity(count)
        states.reserveCapacity(count)
        var places = sets.map { _ in 0 }
        var last: Fingerprint?
        while true {
            // A key that stands in doubt as well is wanted, for its set comes first.
            var least: Int?
            for set in sets.indices where places[set] < sets[set].keys.count {
                if let other = least, !(sets[set].keys[places[set]] < sets[other].keys[places[other]]) { continue }
                least = set
            }
            guard let least else { break }
            let key = sets[least].keys[places[least]]
            places[least] += 1
            guard key != last else { continue }
            last = key
            high.append(key.high)
            low.append(UInt32(key.low >> 32))
            states.append(sets[least].state)
        }
        // Their memory is free before there is more.
        sets = []
        (self.high, self.low, self.states) = (high, low, states)
        owners = Array(repeating: (0, 0), count: high.count)
    }

    /// The keys of usable records.
    var wanted: Int { states.count { $0.contains(.isWanted) } }

    func position(of key: Fingerprint) -> Int? {
        // Fingerprints are random: a key is about as far in the table as among all that could be.
        let guess = Int(key.high.multipliedFullWidth(by: UInt64(high.count)).high)
        var step = 64
        var first = max(0, guess - step)
        while first > 0, !precedes(first - 1, key) {
            step *= 4
            first = max(0, guess - step)
        }
        var end = min(high.count, guess + step)
        while end < high.count, precedes(end, key) {
            step *= 4
            end = min(high.count, guess + step)
        }
        while first < end {
            let middle = (first + end) / 2
            if precedes(middle, key) { first = middle + 1 } else { end = middle }
        }
        return first < high.count && high[first] == key.high && low[first] == UInt32(key.low >> 32) ? first : nil
    }

    private func precedes(_ position: Int, _ key: Fingerprint) -> Bool {
        high[position] != key.high ? high[position] < key.high : low[position] < UInt32(key.low >> 32)
    }

    /// The keys that the crosswalk does not settle, in ascending order, as they are now.
    var unsettled: some Sequence<(position: Int, fingerprint: Fingerprint)> {
        high.indices.lazy.filter { [states] in !states[$0].isSettled }.map { [high, low] position in
            (position, Fingerprint(high: high[position], low: UInt64(low[position]) << 32))
        }
    }

    /// How many keys of usable records stand for nobody as far as known.
    ///
    /// - Parameter list: where they are listed; nil for all.
    func missing(in list: OwnerList? = nil) -> Int {
        states.count { $0.contains(.isWanted) && !$0.isSettled && (list == nil || $0.list == list) }
    }

    /// Whether the store is to be asked for a key.
    ///
    /// - Parameter list: where it would be listed; nil for all.
    func asks(for position: Int, in list: OwnerList? = nil) -> Bool {
        let state = states[position]
        return state.contains(.isWanted) && !state.isSettled && !state.contains(.isAsked)
            && (list == nil || state.list == list)
    }

    /// Notes that the store is asked for a key; true if the answer counts.
    mutating func ask(_ position: Int) -> Bool {
        let state = states[position]
        guard state.contains(.isWanted), !state.isSettled || state.contains(.isAsked) else { return false }
        states[position].insert(.isAsked)
        return true
    }

    /// Whether a list of the store has said which one owner a key stands for.
    func isAnswered(_ position: Int, by list: OwnerList) -> Bool {
        let state = states[position]
        return state.contains(.isAsked) && state.isSettled && !state.contains(.isAmbiguous) && state.list == list
    }

    var positions: Range<Int> { high.indices }

    /// The keys that stand for one owner.
    var found: Int { states.count { $0.contains(.hasOwner) && !$0.contains(.isAmbiguous) } }

    func fingerprint(_ position: Int) -> Fingerprint {
        Fingerprint(high: high[position], low: UInt64(low[position]) << 32)
    }

    /// What a key stands for.
    enum Meaning {
        case owner
        /// It stood for this owner once.
        case former
        case several(Int)
        case nobody
    }

    /// What a key stands for; the id is put behind the text.
    func meaning(of position: Int, into text: inout [UInt8]) -> Meaning {
        let state = states[position]
        if state.contains(.isAmbiguous) { return .several(Int(truncatingIfNeeded: owners[position].low)) }
        guard state.contains(.hasOwner) else { return .nobody }
        let owner = owners[position]
        if state.contains(.isOther) {
            text += others[Int(truncatingIfNeeded: owner.low)].utf8
        } else {
            PackedID.append(owner, to: &text)
        }
        return state.contains(.isStale) ? .former : .owner
    }

    /// Says which owner a key stands for; a second owner makes it ambiguous.
    ///
    /// - Parameters:
    ///   - id: the bytes of the owner's id.
    ///   - isStale: whether that was found too long ago.
    mutating func set(_ position: Int, _ id: Span<UInt8>, isStale: Bool = false) {
        var state = states[position]
        let packed = PackedID.packed(id)
        if state.contains(.isAmbiguous) {
            owners[position].low += 1
            return
        }
        if state.contains(.hasOwner), !state.contains(.isStale) {
            guard !isSame(position, packed, id) else { return }
            states[position].insert(.isAmbiguous)
            owners[position] = (0, 2)
            return
        }
        state.insert(.hasOwner)
        state.remove([.isOther, .isStale])
        if isStale { state.insert(.isStale) }
        if let packed {
            owners[position] = packed
        } else {
            state.insert(.isOther)
            owners[position] = (0, UInt64(others.count))
            others.append(String(decodingBytesOf: id))
        }
        states[position] = state
    }

    /// Says which owner a key stands for, if the table has it.
    mutating func set(_ key: Fingerprint, _ id: Span<UInt8>) {
        if let position = position(of: key) { set(position, id) }
    }

    mutating func set(_ position: Int, _ id: OwnerID, isStale: Bool = false) {
        let bytes = Array(id.text.utf8)
        set(position, bytes.span, isStale: isStale)
    }

    /// Says that a key stands for several owners.
    mutating func setAmbiguous(_ position: Int, _ count: Int) {
        states[position].insert(.isAmbiguous)
        owners[position] = (0, UInt64(count))
    }

    private func isSame(_ position: Int, _ packed: (high: UInt64, low: UInt64)?, _ id: Span<UInt8>) -> Bool {
        if states[position].contains(.isOther) {
            return packed == nil && others[Int(truncatingIfNeeded: owners[position].low)] == String(decodingBytesOf: id)
        }
        return packed.map { $0 == owners[position] } ?? false
    }

    /// The owner that a key stands for, or how many if there are several; nil if it stands for nobody.
    func owner(of position: Int) -> (id: OwnerID?, count: Int)? {
        var text: [UInt8] = []
        switch meaning(of: position, into: &text) {
        case .owner, .former: return OwnerID(String(decoding: text, as: UTF8.self)).map { ($0, 1) }
        case .several(let count): return (nil, count)
        case .nobody: return nil
        }
    }

    /// How many keys of usable records stand for nobody, and for several owners.
    var problems: (unknown: Int, ambiguous: Int) {
        states.reduce(into: (0, 0)) { count, state in
            guard state.contains(.isWanted) else { return }
            if state.contains(.isAmbiguous) { count.1 += 1 } else if !state.isSettled { count.0 += 1 }
        }
    }
}

/// A set of fingerprints in 16 bytes each, which is asked for nothing before it is whole.
struct OwnerKeySet: Sendable {
    private var keys: [Fingerprint] = []
    /// At this number repetitions are taken out.
    private var limit = 1 << 16

    mutating func insert(_ key: Fingerprint) {
        keys.append(key)
        guard keys.count >= limit else { return }
        tidy()
        limit = max(limit, 2 * keys.count)
    }

    var isEmpty: Bool { keys.isEmpty }

    /// The keys in ascending order, each once.
    consuming func sorted() -> [Fingerprint] {
        tidy()
        return keys
    }

    private mutating func tidy() {
        keys.sort(by: <)
        var kept = 0
        for position in keys.indices where position == 0 || keys[position] != keys[kept - 1] {
            keys[kept] = keys[position]
            kept += 1
        }
        keys.removeLast(keys.count - kept)
    }
}

private func < (left: Fingerprint, right: Fingerprint) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
}

/// Ids that are UUIDs in lower case, as the store's are, in 16 bytes.
enum PackedID {
    /// Nil for any other id.
    static func packed(_ bytes: Span<UInt8>) -> (high: UInt64, low: UInt64)? {
        guard bytes.count == 36 else { return nil }
        var words = (high: UInt64(0), low: UInt64(0))
        for position in 0..<36 {
            let byte = bytes[position]
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            // The third hyphen stands in the middle of the bits.
            if position < 18 {
                words.high = words.high << 4 | UInt64(digit)
            } else {
                words.low = words.low << 4 | UInt64(digit)
            }
        }
        return words
    }

    static func packed(_ text: String) -> (high: UInt64, low: UInt64)? {
        let bytes = Array(text.utf8)
        return packed(bytes.span)
    }

    /// Puts the text of an id behind another.
    static func append(_ words: (high: UInt64, low: UInt64), to text: inout [UInt8]) {
        for digit in 0..<32 {
            if digit == 8 || digit == 12 || digit == 16 || digit == 20 { text.append(UInt8(ascii: "-")) }
            let word = digit < 16 ? words.high : words.low
            let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (digit & 15)) & 15)
            text.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value)
        }
    }
}
