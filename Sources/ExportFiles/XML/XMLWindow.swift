/// The part of a document's text that is still needed: what has not been parsed, and the record that is open.
struct XMLWindow {
    private(set) var bytes: [UInt8] = []
    /// Where the window begins in the whole text.
    private(set) var base = 0

    var end: Int { base + bytes.count }

    mutating func append(_ more: ArraySlice<UInt8>) {
        bytes += more
    }

    /// Forgets what lies before a position.
    mutating func drop(before position: Int) {
        let count = min(max(0, position - base), bytes.count)
        bytes.removeFirst(count)
        base += count
    }

    /// The bytes from one position of the text to another; empty if they have been dropped.
    func slice(_ start: Int, _ end: Int) -> ArraySlice<UInt8> {
        guard start >= base, start <= end, end <= self.end else { return [] }
        return bytes[start - base..<end - base]
    }

    /// Where the tag begins that a position lies in, and how many line ends are in it. A tag cannot hold another `<`.
    func tag(before position: Int) -> (start: Int, lines: Int) {
        let bytes = bytes.span
        var index = min(position - base, bytes.count)
        var lines = 0
        while index > 0 {
            index &-= 1
            if bytes[index] == UInt8(ascii: "<") { break }
            if bytes[index] == 0x0A { lines &+= 1 }
        }
        return (base + max(0, index), lines)
    }
}
