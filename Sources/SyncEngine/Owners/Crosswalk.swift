import CartAssociations
import ExportFiles
import Foundation

/// A file that says which owner's id a key stands for, and which cart's id what a cart was called, read as an export is:
/// any format, any size.
struct Crosswalk {
    private let path: String
    private let spoolFolder: String
    private let options: ReadingOptions

    /// - Parameters:
    ///   - options: how exports are read; their own columns, records and kind are no matter.
    ///   - spoolFolder: the folder of temporary files.
    init(_ path: String, _ options: ReadingOptions, spoolFolder: String) {
        self.path = path
        self.spoolFolder = spoolFolder
        var own = ReadingOptions()
        own.encoding = options.encoding
        own.ownerKind = options.ownerKind
        own.requiresFinalNewline = options.requiresFinalNewline
        own.isCrosswalk = true
        self.options = own
    }

    /// Whether it says of carts, too, what they were called.
    ///
    /// Throws `ExportError` if it cannot be read.
    var hasCarts: Bool {
        get throws {
            let mapping = try ExportReader(options: options).read(open()).facts.shape.mapping
            return mapping[.cart] != nil && mapping[.legacyCart] != nil
        }
    }

    private func open() throws -> ExportFile { try ExportFile.open(path, spoolFolder: spoolFolder) }

    /// Reads all of it.
    ///
    /// Throws `ExportError` if it cannot be read, and for its first record that cannot be used: a key whose owner is not
    /// known here would be looked for elsewhere.
    ///
    /// - Parameters:
    ///   - owner: gets what kind of key it is, the key, and the bytes of the owner's id.
    ///   - cart: gets what a cart was called, and the bytes of its id.
    func forEach(
        owner: (OwnerKeyField, Span<UInt8>, Span<UInt8>) throws -> Void,
        cart: (Span<UInt8>, Span<UInt8>) throws -> Void
    ) throws {
        let file = try open()
        var reading = try ExportReader(options: options).read(file)
        while let batch = try reading.next() {
            let text = batch.text.span
            if let part = batch.doubtful.first {
                throw ExportError(
                    .malformed, file: file.name, line: part.line,
                    problem: "this is no line of a crosswalk: \(part.reason.sentence)",
                    advice:
                        "correct or remove it; each line has an owner's id and one key, for instance customer_id and "
                        + "customer_email, or legacy_cart and cart_id, or both")
            }
            for record in batch.records {
                guard let statement = record.statement else { continue }
                if let field = statement.keyField {
                    try owner(field, text.extracting(statement.key.range), text.extracting(statement.owner.range))
                }
                if statement.legacyCart.range.isEmpty { continue }
                try cart(text.extracting(statement.legacyCart.range), text.extracting(statement.cart.range))
            }
        }
        _ = try file.checkStatements(reading.facts)
    }
}
