import Crypto
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes a CSV file that `CSVRows` and every reader of exports takes back: UTF-8, line feeds, quotes where needed.
///
/// A file has its name only when it is complete and on the disk, and gets a manifest beside it.
package final class CSVRowsFile {
    /// Rows that were written, without the header.
    package private(set) var count = 0
    /// Bytes that were written.
    package private(set) var bytes = 0

    private static let bufferSize = 1 << 18

    private let name: String
    /// Nil for standard output.
    private let path: String?
    private var descriptor: Int32
    private var cells = Cells()
    private var digest = SHA256()

    /// Begins the file at a path, or standard output where it is nil, with the header.
    ///
    /// Throws an unwritable `ExportError`; so do the other calls.
    package init(at path: String?, columns: [String]) throws {
        self.path = path
        name = path ?? "standard output"
        descriptor = path.map { System.create($0 + Self.unfinished) } ?? STDOUT_FILENO
        guard descriptor >= 0 else { throw failure() }
        cells.bytes.reserveCapacity(Self.bufferSize + 4096)
        for column in columns { add(column) }
        cells.endRow()
    }

    deinit {
        guard let path, descriptor >= 0 else { return }
        System.close(descriptor)
        System.remove(path + Self.unfinished)
    }

    /// Readers of a folder never take a file with this end for a finished one.
    private static let unfinished = ".part"

    /// Adds a cell to the present row.
    package func add(_ text: String) {
        cells.begin()
        cells.append(text)
    }

    /// Adds a cell to the present row, from its UTF-8.
    package func add(_ text: Span<UInt8>) {
        cells.begin()
        cells.append(text)
    }

    /// Ends the present row.
    package func endRow() throws {
        cells.endRow()
        count += 1
        if cells.bytes.count >= Self.bufferSize { try flush() }
    }

    /// Writes what is left; a file then gets its name and its manifest, both on the disk.
    package func finish() throws {
        try flush()
        guard let path else { return }
        let isSynced = System.syncAndClose(descriptor)
        descriptor = -1
        guard isSynced else { throw abandoned(path) }
        let hash = SHA256Text.of(digest)
        let manifest = ExportManifest.path(for: path)
        // The old manifest would speak of the new file, should the program end between the two renames.
        System.remove(manifest)
        try rename(to: path)
        try writeManifest("{\"records\": \(count), \"sha256\": \"\(hash)\"}\n", to: manifest)
        System.syncFolder(of: path)
    }

    private func writeManifest(_ text: String, to path: String) throws {
        descriptor = System.create(path + Self.unfinished)
        guard descriptor >= 0 else { throw failure(path) }
        // The pointer is the array's own memory, for the length of the call.
        let isWritten = unsafe Array(text.utf8).withUnsafeBytes { unsafe System.write(descriptor, $0) }
        let isSynced = System.syncAndClose(descriptor)
        descriptor = -1
        guard isWritten && isSynced else { throw abandoned(path) }
        try rename(to: path)
    }

    private func rename(to path: String) throws {
        guard System.rename(path + Self.unfinished, path) else { throw abandoned(path) }
    }

    private func flush() throws {
        // The pointer is the array's own memory, for the length of the call.
        guard unsafe cells.bytes.withUnsafeBytes({ unsafe System.write(descriptor, $0) }) else { throw failure() }
        digest.update(data: cells.bytes)
        bytes += cells.bytes.count
        cells.bytes.removeAll(keepingCapacity: true)
    }

    /// The error of the call that just failed; what was written is taken away, for the disk may be full.
    private func abandoned(_ path: String) -> ExportError {
        let error = failure(path)
        System.remove(path + Self.unfinished)
        return error
    }

    private func failure(_ path: String? = nil) -> ExportError {
        ExportError(
            .writeFailed, file: path ?? name, problem: "it cannot be written: \(System.lastMessage)",
            advice: "make room, give permission, or choose another folder, and run again")
    }
}

/// Rows as bytes.
private struct Cells {
    var bytes: [UInt8] = []
    private var isRowBegun = false

    mutating func begin() {
        if isRowBegun { bytes.append(UInt8(ascii: ",")) }
        isRowBegun = true
    }

    mutating func endRow() {
        bytes.append(CSVFramer.lineFeed)
        isRowBegun = false
    }

    mutating func append(_ text: String) {
        guard text.utf8.contains(where: Self.needsQuotes) else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        bytes.append(CSVFramer.quote)
        for byte in text.utf8 {
            if byte == CSVFramer.quote { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(CSVFramer.quote)
    }

    mutating func append(_ text: Span<UInt8>) {
        let start = bytes.count
        var isPlain = true
        for index in text.indices {
            if Self.needsQuotes(text[index]) { isPlain = false }
            bytes.append(text[index])
        }
        if !isPlain {
            bytes.removeSubrange(start...)
            bytes.append(CSVFramer.quote)
            for index in text.indices {
                if text[index] == CSVFramer.quote { bytes.append(CSVFramer.quote) }
                bytes.append(text[index])
            }
            bytes.append(CSVFramer.quote)
        }
    }

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        switch byte {
        // Line ends and all that a reader might take for a delimiter.
        case 0...0x1F, CSVFramer.quote, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "|"): true
        default: false
        }
    }
}

/// A SHA-256 digest in lowercase hexadecimal.
enum SHA256Text {
    static func of(_ digest: SHA256) -> String {
        digest.finalize().reduce(into: "") { text, byte in
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
    }
}
