/// The elements that are open around records: the start tag of each, with what stood in it and gave its records values.
///
/// A record needs them only when it is handed out. They may be closed by then, and each state that a record was in is
/// kept until then, all states in one piece of memory.
struct XMLSurroundings {
    /// No more than this is remembered of what stands in one element.
    static let limit = 1 << 16

    private var bytes: [UInt8] = []
    /// Where each element's part of the bytes ends, from the root inwards.
    private var ends: [Int] = []

    private var keptBytes: [UInt8] = []
    private var keptEnds: [Int] = []
    /// The part of `keptEnds` that is one state.
    private var states: [Range<Int>] = []
    private var isKept = false

    /// Goes into an element, with its start tag but for the last byte.
    mutating func open(_ tag: ArraySlice<UInt8>) {
        bytes += tag
        bytes.append(UInt8(ascii: ">"))
        ends.append(bytes.count)
        isKept = false
    }

    /// Adds to what stands in the innermost element.
    mutating func extend(_ more: ArraySlice<UInt8>) {
        guard let last = ends.indices.last, bytes.count - start(of: last) < Self.limit else { return }
        bytes += more
        ends[last] = bytes.count
        isKept = false
    }

    /// Leaves the innermost element.
    mutating func close() {
        guard let last = ends.indices.last else { return }
        bytes.removeLast(bytes.count - start(of: last))
        ends.removeLast()
        isKept = false
    }

    /// Keeps the state for `kept`, and returns its number.
    mutating func keep() -> Int {
        if !isKept {
            let first = keptEnds.count
            for end in ends { keptEnds.append(keptBytes.count + end) }
            keptBytes += bytes
            states.append(first..<keptEnds.count)
            isKept = true
        }
        return states.count - 1
    }

    /// The elements of a state, from the root inwards.
    func kept(_ state: Int) -> [ArraySlice<UInt8>] {
        var start = keptEnds[..<states[state].lowerBound].last ?? 0
        return keptEnds[states[state]].map { end in
            defer { start = end }
            return keptBytes[start..<end]
        }
    }

    /// Forgets the states that were kept.
    mutating func clear() {
        keptBytes.removeAll(keepingCapacity: true)
        keptEnds.removeAll(keepingCapacity: true)
        states.removeAll(keepingCapacity: true)
        isKept = false
    }

    private func start(of element: Int) -> Int { element == 0 ? 0 : ends[element - 1] }
}
