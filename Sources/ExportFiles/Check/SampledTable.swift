/// Counts distinct keys in bounded memory: exactly while they fit, then from an even sample of them.
///
/// The sample is of all keys whose hash ends in a number of zero bits that grows whenever the table is full, so that
/// every key has the same chance to be in it, however often it comes. With 95,000 to 190,000 keys kept, the standard
/// error of a count of keys is about 0.3 %.
struct SampledTable {
    /// A key, and the first value other than 0 that it was met with.
    private struct Slot {
        var key: UInt64 = 0
        var value: UInt32 = 0
        /// How often the key came again; the top bit: whether it came with another value.
        var marks: UInt32 = 0

        static let sharedBit: UInt32 = 1 << 31
        var isShared: Bool { marks & Self.sharedBit != 0 }
        var repeats: Int { Int(marks & ~Self.sharedBit) }
    }

    /// Keys that are to be kept, dealt with together: touching all their slots first lets the memory answer side by
    /// side, which takes half the time.
    private var pending: [(hash: UInt64, value: UInt32)] = []
    private static let pendingLimit = 64

    private var slots: [Slot]
    private var mask: UInt64
    private let limit: Int
    /// Only keys whose hash ends in this many zero bits are kept.
    private(set) var level: UInt64 = 0
    private(set) var kept = 0
    private(set) var shared = 0
    private(set) var repeats = 0

    /// - Parameter limit: the most keys that are kept.
    init(limit: Int = 190_000) {
        self.limit = limit
        slots = Array(repeating: Slot(), count: 1024)
        mask = 1023
        pending.reserveCapacity(Self.pendingLimit)
    }

    /// Notes a key, given as a hash of 64 evenly spread bits, with a value; 0 for none.
    @inline(__always)
    mutating func insert(_ hash: UInt64, value: UInt32 = 0) {
        guard hash & ((1 &<< level) &- 1) == 0 else { return }
        pending.append((hash, value))
        if pending.count == Self.pendingLimit { settle() }
    }

    /// Deals with the keys that wait; before that the counts lack them.
    mutating func settle() {
        var touched: UInt64 = 0
        for item in pending { touched |= slots[Int(Self.home(item.hash) & mask)].key }
        // Never so; but a value that is used has to be read.
        if touched == 0 && kept > slots.count { return }
        for item in pending where item.hash & ((1 &<< level) &- 1) == 0 { keep(item.hash, item.value) }
        pending.removeAll(keepingCapacity: true)
    }

    /// A count of the sample as a count of everything.
    func scaled(_ count: Int) -> ExportCheck.Count {
        ExportCheck.Count(value: count << Int(level), isEstimate: level > 0)
    }

    private mutating func keep(_ hash: UInt64, _ value: UInt32) {
        // Zero marks a free slot; the one hash that is zero shares its place with one other.
        let key = hash == 0 ? 1 << 63 : hash
        var index = Self.home(key) & mask
        while slots[Int(index)].key != 0 {
            if slots[Int(index)].key == key {
                repeats += 1
                slots[Int(index)].marks &+= 1
                let known = slots[Int(index)].value
                if known == 0 {
                    slots[Int(index)].value = value
                } else if value != 0 && known != value && !slots[Int(index)].isShared {
                    slots[Int(index)].marks |= Slot.sharedBit
                    shared += 1
                }
                return
            }
            index = (index &+ 1) & mask
        }
        slots[Int(index)] = Slot(key: key, value: value)
        kept += 1
        if kept * 4 > slots.count * 3 || kept > limit { makeRoom() }
    }

    private mutating func makeRoom() {
        let old = slots
        if kept > limit {
            level += 1
        } else {
            mask = mask << 1 | 1
        }
        slots = Array(repeating: Slot(), count: Int(mask) + 1)
        kept = 0
        shared = 0
        repeats = 0
        for slot in old where slot.key != 0 && slot.key & ((1 &<< level) &- 1) == 0 {
            var index = Self.home(slot.key) & mask
            while slots[Int(index)].key != 0 { index = (index &+ 1) & mask }
            slots[Int(index)] = slot
            kept += 1
            repeats += slot.repeats
            if slot.isShared { shared += 1 }
        }
    }

    /// The low bits choose the sample, so that others have to choose the slot.
    private static func home(_ key: UInt64) -> UInt64 { key &>> 32 }
}

/// A hash of 64 evenly spread bits, different in every run of the program.
struct KeyHash {
    private let seed = UInt64.random(in: .min ... .max)

    func hash(_ bytes: Span<UInt8>, _ start: UInt64 = 0) -> UInt64 {
        var state = seed ^ start
        // Bytes have no padding that a raw view could leak.
        let raw = unsafe bytes.bytes
        var offset = 0
        while offset &+ 8 <= bytes.count {
            // Within the span, as the line above says.
            let word = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            state = Self.mix(state ^ word, 0x9E37_79B9_7F4A_7C15)
            offset &+= 8
        }
        var rest = UInt64(truncatingIfNeeded: bytes.count)
        while offset < bytes.count {
            rest = rest &<< 8 | UInt64(bytes[offset])
            offset &+= 1
        }
        return Self.mix(Self.mix(state ^ rest, 0xD6E8_FEB8_6659_FD93), state)
    }

    @inline(__always)
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
