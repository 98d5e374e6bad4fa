/// How much packed bytes may become: more is an attack, and no export.
struct ExpansionLimit {
    /// Up to this size nothing is asked.
    static let floor = 64 << 20
    /// Above it, so many times the packed size (deflate can reach 1,032).
    static let ratio = 1000
    /// No export is larger, whatever its packed size.
    static let total = 1 << 40

    private var produced = 0

    /// Counts bytes that were unpacked.
    ///
    /// Throws `ExportError` if they are too many for the packed ones that they came from.
    mutating func add(_ count: Int, from packed: Int, of name: String) throws {
        produced += count
        guard produced > Self.floor else { return }
        if produced / Self.ratio > packed {
            throw Self.bomb(name, "more than \(Self.ratio) times its size, which no export does")
        }
        if produced > Self.total { throw Self.bomb(name, "more than \(Self.total >> 40) TiB, which no export has") }
    }

    private static func bomb(_ name: String, _ limit: String) -> ExportError {
        ExportError(
            .bomb, file: name, problem: "it expands to \(limit)",
            advice: "find out who made this file before decompressing it anywhere")
    }
}
