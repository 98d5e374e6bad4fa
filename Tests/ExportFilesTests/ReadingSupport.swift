import CartAssociations
import Foundation
import SwiftCSV
import TestSupport
import Testing

@testable import ExportFiles

/// The folder of the sample exports.
let samples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "samples/exports")

/// The path of one of them.
func samplePath(_ name: String) -> String {
    samples.appending(path: name).path(percentEncoded: false)
}

/// Everything that one reading handed out.
struct WholeReading {
    var facts: ExportFacts
    /// What was asked, as `kind action owner cart`.
    var asked: [String] = []
    var usable: [ExportRecord] = []
    var rejected: [RejectedRecord] = []

    /// Reads an export, choosing every record.
    init(
        _ path: String, _ options: ReadingOptions = ReadingOptions(), owners: (any OwnerResolver)? = nil,
        blockSize: Int? = nil
    ) throws {
        let file = try ExportFile.open(path, spoolFolder: "")
        var reading = try ExportReader(options: options, owners: owners, blockSize: blockSize).read(file)
        while let batch = try reading.next() {
            let bytes = batch.text.span
            for case let statement? in batch.records.map(\.statement) {
                let words = [
                    statement.kind.rawValue, statement.action?.rawValue,
                    String(decodingBytesOf: bytes.extracting(statement.owner.range)),
                    String(decodingBytesOf: bytes.extracting(statement.cart.range)),
                ]
                asked.append(words.compactMap(\.self).joined(separator: " "))
            }
            for record in batch.decode(batch.records) {
                switch record {
                case .usable(let record): usable.append(record)
                case .rejected(let record): rejected.append(record)
                }
            }
        }
        facts = reading.facts
    }

    init(
        text: String, _ options: ReadingOptions = ReadingOptions(), owners: (any OwnerResolver)? = nil,
        blockSize: Int? = nil
    ) throws {
        try self.init(bytes: Array(text.utf8), options, owners: owners, blockSize: blockSize)
    }

    init(
        bytes: [UInt8], _ options: ReadingOptions = ReadingOptions(), owners: (any OwnerResolver)? = nil,
        blockSize: Int? = nil
    ) throws {
        let folder = try TemporaryFolder()
        try self.init(try folder.write(bytes), options, owners: owners, blockSize: blockSize)
    }

    /// The usable records as `kind owner cart`.
    var associations: [String] {
        usable.map { "\($0.association.owner.kind.rawValue) \($0.association.owner.id) \($0.association.cart)" }
    }

    /// The rejected records as `line code`.
    var rejections: [String] {
        rejected.map { "\($0.place.line) \($0.reason.code.rawValue)" }
    }

    /// All that a reading says, for comparing two of them.
    var summary: [String] {
        associations + rejections + asked
            + usable.map { "\($0.place.record) \($0.place.line) \(String(decoding: $0.raw, as: UTF8.self))" }
            + rejected.map { "\($0.place.record) \(String(decoding: $0.raw, as: UTF8.self)) \($0.names.sorted())" }
    }
}

extension DoubtfulPart {
    /// The identifiers that the part leaves in doubt.
    var names: Set<String> {
        let text = String(decoding: text, as: UTF8.self)
        return Set(text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0))) }.map(String.init))
    }
}

extension RejectedRecord {
    var names: Set<String> { doubt.names }
}

/// What SwiftCSV reads where values are written with quotes around them, so that it takes no blanks away.
///
/// It works on graphemes, in which a mark that follows a quote hides the quote: then it reads something else, or nothing.
func swiftCSVRow(_ values: [String], delimiter: Character) -> [String]? {
    let line = values.map(quoted).joined(separator: String(delimiter)) + "\n"
    let csv = try? EnumeratedCSV(
        string: line, delimiter: CSVDelimiter(unicodeScalarLiteral: delimiter), loadColumns: false)
    return csv?.header
}

/// A value as RFC 4180 writes it within quotes; byte by byte, since a mark that follows a quote does not change it.
func quoted(_ value: String) -> String {
    "\"" + String(decoding: value.utf8.flatMap { $0 == CSVFramer.quote ? [$0, $0] : [$0] }, as: UTF8.self) + "\""
}

/// The error of reading an export, which must be refused.
func refusal(_ path: String, _ options: ReadingOptions = ReadingOptions()) -> ExportError? {
    #expect(throws: ExportError.self) { _ = try WholeReading(path, options) }
}

func refusal(text: String, _ options: ReadingOptions = ReadingOptions()) -> ExportError? {
    #expect(throws: ExportError.self) { _ = try WholeReading(text: text, options) }
}

func refusal(bytes: [UInt8], _ options: ReadingOptions = ReadingOptions()) -> ExportError? {
    #expect(throws: ExportError.self) { _ = try WholeReading(bytes: bytes, options) }
}

/// The names of the files in a folder of samples.
func sampleNames(_ folder: String = "") throws -> [String] {
    let url = folder.isEmpty ? samples : samples.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: [.isDirectoryKey])
        .filter { !$0.hasDirectoryPath }.map(\.lastPathComponent).sorted()
}
