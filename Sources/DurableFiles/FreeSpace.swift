/// Room on a disk, which is asked before much is written to it: on a full one nothing more can be remembered.
package struct FreeSpace: Sendable, Hashable {
    /// What is left free, in bytes: for a ledger that has to be written at any time, and for reports.
    static let reserve = 8 << 20

    /// A path on the disk.
    let path: String
    /// The bytes that the process may still write there.
    let free: Int

    init(path: String, free: Int) {
        self.path = path
        self.free = free
    }

    /// Asks the disk that a path is on; throws a `FileError` if it does not say.
    package init(at path: String) throws(FileError) {
        self.init(path: path, free: try FileSystem.freeBytes(at: path))
    }

    /// Why there is no room for so many bytes beside the reserve, with what to do, in a sentence; nil if there is.
    package func problem(_ needed: Int) -> String? {
        let (all, isHuge) = max(0, needed).addingReportingOverflow(Self.reserve)
        guard isHuge || free < all else { return nil }
        return
            "the disk of \(path) has \(Self.words(free)) free, and \(Self.words(isHuge ? .max : all)) are needed; make room, "
            + "or have the folder on a larger disk"
    }

    private static func words(_ bytes: Int) -> String { "\(bytes / 1_000_000) MB" }
}
