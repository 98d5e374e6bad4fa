import Crypto
import DurableFiles

/// Writes a CSV file that `CSVRows` and every reader of exports takes back: UTF-8, line feeds, quotes and marks
/// against spreadsheets where needed.
///
/// A file has its name only when it is complete and on the disk, and gets a manifest beside it.
package final class CSVRowsFile {
    /// Rows that were written, without the header.
    package private(set) var count = 0
    /// Bytes that were written.
    package private(set) var bytes = 0

    private static let bufferSize = 1 << 18

    /// Nil for standard output.
    private let path: String?
    private var file: DurableFile?
    private var rows: CSVWriter
    private var digest = SHA256()
    /// False once the reader of standard output went away, who has had enough.
    private var hasReader = true

    /// Begins the file at a path, or standard output if it is nil, with the header.
    ///
    /// Throws an unwritable `ExportError`; so do the other calls.
    package init(at path: String?, columns: [String]) throws {
        self.path = path
        rows = CSVWriter(.records, columns: columns)
        try writing(path) { () throws(FileError) in
            if let path { file = try DurableFile(path: path) }
        }
    }

    /// Adds a cell to the present row.
    package func add(_ text: String) { rows.add(text) }

    /// Adds a cell to the present row, from its UTF-8.
    package func add(_ text: Span<UInt8>) { rows.add(text) }

    /// Ends the present row.
    package func endRow() throws {
        rows.endRow()
        count += 1
        if rows.bytes.count >= Self.bufferSize { try flush() }
    }

    /// Writes what is left; a file then gets its name and its manifest, both on the disk.
    package func finish() throws {
        try flush()
        guard let path else { return }
        let manifest = ExportManifest.path(for: path)
        let text = "{\"records\": \(count), \"sha256\": \"\(Hex.text(digest.finalize()))\"}\n"
        try writing(path) { () throws(FileError) in
            // The old manifest would speak of the new file if the program ended between the two renames.
            try FileSystem.remove(manifest)
            try file?.finish()
        }
        try writing(manifest) { () throws(FileError) in try DurableFile.write(text.utf8, to: manifest) }
    }

    private func flush() throws {
        digest.update(data: rows.bytes)
        bytes += rows.bytes.count
        try writing(path) { () throws(FileError) in
            if path == nil { try writeForReader() } else { try file?.append(rows.bytes) }
        }
        rows.removeAll()
    }

    private func writeForReader() throws(FileError) {
        guard hasReader else { return }
        do {
            try OpenFile.standardOutput.write(rows.bytes)
        } catch {
            guard error.isOfReaderGone else { throw error }
            hasReader = false
        }
    }

    private func writing(_ path: String?, _ call: () throws(FileError) -> Void) throws {
        do throws(FileError) {
            try call()
        } catch {
            throw ExportError(
                .writeFailed, file: path ?? OpenFile.standardOutput.path,
                problem: "it cannot be written: \(error.reason)",
                advice: "make room, give permission, or choose another folder, and run again")
        }
    }
}
