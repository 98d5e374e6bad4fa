import CartAssociations
import ExportFiles
import Foundation

/// A file that says which owner's id a key stands for, read as an export is: any format, any size.
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

    /// Reads all of it.
    ///
    /// Throws `ExportError` if it cannot be read, and for its first record that cannot be used: a key whose owner is not
    /// known here would be looked for elsewhere.
    ///
    /// - Parameter visit: gets what kind of key it is, the key, and the owner.
    func forEach(_ visit: (OwnerKeyField, Span<UInt8>, OwnerID) throws -> Void) throws {
        let file = try ExportFile.open(path, spoolFolder: spoolFolder)
        var reading = try ExportReader(options: options).read(file)
        while let batch = try reading.next() {
            let text = batch.text.span
            if let part = batch.doubtful.first {
                throw ExportError(
                    .malformed, file: file.name, line: part.line,
                    problem: "this is no line of a crosswalk: \(part.reason.sentence)",
                    advice:
                        "correct or remove it; each line has an owner's id and one key, for instance customer_id and "
                        + "customer_email")
            }
            for record in batch.records {
                guard let statement = record.statement, let field = statement.keyField,
                    let owner = OwnerID(String(decodingBytesOf: text.extracting(statement.owner.range)))
                else { continue }
                try visit(field, text.extracting(statement.key.range), owner)
            }
        }
        _ = try file.checkStatements(reading.facts)
    }
}
