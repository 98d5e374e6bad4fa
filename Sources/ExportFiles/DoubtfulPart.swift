/// A part of an export that was not understood: what it names may not be deleted because of its absence elsewhere.
package struct DoubtfulPart: Sendable {
    /// The export's position on the command line, from 0.
    package let export: Int
    /// The line on which the part begins, from 1.
    package let line: Int
    /// Why it was not understood.
    package let reason: RejectReason
    /// The text as it is decoded, in UTF-8 as far as it is valid; identifiers are set apart by any other characters.
    package let text: [UInt8]
    /// How many bytes of the export's text it is.
    package let size: Int
    /// Whether identifiers may stand in it that cannot be told: as parts of longer runs of their characters, or cut.
    package let hidesIdentifiers: Bool
    /// Whether it is within a record that is used all the same.
    package let isUsed: Bool

    init(
        export: Int, line: Int, reason: RejectReason, text: [UInt8], size: Int? = nil, hidesIdentifiers: Bool = false,
        isUsed: Bool = false
    ) {
        self.export = export
        self.line = line
        self.reason = reason
        self.text = text
        self.size = size ?? text.count
        self.hidesIdentifiers = hidesIdentifiers
        self.isUsed = isUsed
    }

    /// The same part behind the lines of another export in the same file.
    func moved(behind lines: Int) -> DoubtfulPart {
        DoubtfulPart(
            export: export, line: line + lines, reason: reason, text: text, size: size,
            hidesIdentifiers: hidesIdentifiers, isUsed: isUsed)
    }
}
