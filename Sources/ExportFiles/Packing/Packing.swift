/// How an export is packed, as its first bytes show.
package enum Packing: String, Sendable, Hashable, CaseIterable {
    case gzip, bzip2, zstd, zip
    case openPGP = "OpenPGP"

    /// How many first bytes are looked at.
    static let signatureSize = 64

    /// nil for bytes that are not packed.
    init?(_ start: ArraySlice<UInt8>) {
        func begins(_ text: String) -> Bool { start.starts(with: text.utf8) }
        if start.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if begins("PK\u{3}\u{4}") || begins("PK\u{5}\u{6}") || begins("PK\u{7}\u{8}") {
            // A file, the directory of an empty zip, and the mark of one that is split into parts.
            self = .zip
        } else if Self.isBzip2(start) {
            self = .bzip2
        } else if Self.isZstd(start) {
            self = .zstd
        } else if OpenPGP.begins(start) {
            self = .openPGP
        } else {
            return nil
        }
    }

    /// The size of its blocks, and then the beginning of a block or the end of an empty stream.
    private static func isBzip2(_ start: ArraySlice<UInt8>) -> Bool {
        let rest = start.dropFirst(4)
        return start.starts(with: Array("BZh".utf8))
            && start.dropFirst(3).first.map { (0x31...0x39).contains($0) } == true
            && (rest.starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
                || rest.starts(with: [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]))
    }

    /// A frame, or one that is passed over.
    private static func isZstd(_ start: ArraySlice<UInt8>) -> Bool {
        start.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
            || start.first.map { $0 & 0xF0 == 0x50 } == true && start.dropFirst().starts(with: [0x2A, 0x4D, 0x18])
    }
}
