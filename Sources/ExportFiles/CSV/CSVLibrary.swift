import Dispatch
import Foundation
import SwiftCSV
import Synchronization

/// A second opinion on fields that are out of the ordinary: SwiftCSV decodes them, in batches, and a record counts as
/// usable only if SwiftCSV reads it as the framer does.
///
/// It is a witness and no more: the framer has found every value before, and SwiftCSV can only make a record `ambiguous`,
/// even one that RFC 4180 allows. What it guards against is a fault of the framer in the cases that are rare in tests.
/// SwiftCSV sees no byte of an export that has not been judged: each field is written out again in quotes, so that
/// nothing depends on what it does with spaces before a field, blank lines or a missing last quote. It works on
/// graphemes, in which a mark that follows a quote hides the quote; such a record is found by comparing, and is decoded
/// to nil.
struct CSVLibrary: Sendable {
    /// From this many records on, a batch is worth all cores.
    static let parallelFrom = 64
    /// More parts than cores, so that a core that is busy with something else does not hold up the rest.
    private static let partsPerCore = 4

    let delimiter: Character

    /// A view that does nothing, because SwiftCSV otherwise parses everything once more to fill its view.
    private struct NoView: CSVView {
        typealias Row = [String]
        typealias Columns = [String]
        var rows: [Row] { [] }
        var columns: Columns? { nil }
        init(header: [String], text: String, delimiter: CSVDelimiter, loadColumns: Bool, rowLimit: Int?) {}
        func serialize(header: [String], delimiter: CSVDelimiter) -> String { "" }
    }

    /// The records of one batch, as the values that the framer found.
    struct Batch: Sendable {
        let width: Int
        /// All values without quotes, one after the other.
        private(set) var bytes: [UInt8] = []
        private var ends: [Int] = [0]

        init(width: Int) {
            self.width = width
        }

        var count: Int { (ends.count - 1) / width }

        /// Adds the value of one cell; a record is as many as `width`.
        mutating func append(_ cell: CSVField, of text: Span<UInt8>) {
            cell.unescape(text, into: &bytes)
            ends.append(bytes.count)
        }

        mutating func removeAll() {
            bytes.removeAll(keepingCapacity: true)
            ends.removeLast(ends.count - 1)
        }

        func range(_ record: Int, _ column: Int) -> Range<Int> {
            let value = record * width + column
            return ends[value]..<ends[value + 1]
        }
    }

    /// The decoded fields of each record; nil for one that SwiftCSV does not split as the framer did.
    func decode(_ batch: Batch) -> [[String]?] {
        guard batch.count >= Self.parallelFrom else { return decode(batch, 0..<batch.count) }
        let parts = min(
            ProcessInfo.processInfo.activeProcessorCount * Self.partsPerCore, batch.count / (Self.parallelFrom / 2))
        let results = Mutex([[[String]?]](repeating: [], count: parts))
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            let range = batch.count * part / parts..<batch.count * (part + 1) / parts
            let decoded = decode(batch, range)
            results.withLock { $0[part] = decoded }
        }
        return results.withLock { Array($0.joined()) }
    }

    private func decode(_ batch: Batch, _ range: Range<Int>) -> [[String]?] {
        guard !range.isEmpty else { return [] }
        if let rows = parse(batch, range), rows.count == range.count,
            zip(range, rows).allSatisfy({ agrees($1, batch, $0) })
        {
            return rows
        }
        guard range.count > 1 else { return [nil] }
        // Halving finds the few records in question without decoding the others one by one.
        let middle = range.lowerBound + range.count / 2
        return decode(batch, range.lowerBound..<middle) + decode(batch, middle..<range.upperBound)
    }

    private func agrees(_ row: [String], _ batch: Batch, _ record: Int) -> Bool {
        row.count == batch.width
            && row.indices.allSatisfy { row[$0].utf8.elementsEqual(batch.bytes[batch.range(record, $0)]) }
    }

    private func parse(_ batch: Batch, _ range: Range<Int>) -> [[String]]? {
        let separator = Array(String(delimiter).utf8)
        var bytes: [UInt8] = []
        for record in range {
            for column in 0..<batch.width {
                if column > 0 { bytes += separator }
                bytes.append(CSVFramer.quote)
                for byte in batch.bytes[batch.range(record, column)] {
                    if byte == CSVFramer.quote { bytes.append(byte) }
                    bytes.append(byte)
                }
                bytes.append(CSVFramer.quote)
            }
            bytes.append(CSVFramer.lineFeed)
        }
        guard let text = String(validating: bytes, as: UTF8.self),
            let delimiter = Unicode.Scalar(String(delimiter)),
            let csv = try? CSV<NoView>(
                string: text, delimiter: CSVDelimiter(unicodeScalarLiteral: Character(delimiter)), loadColumns: false)
        else { return nil }
        // The closure outlives nothing: SwiftCSV calls it before `enumerateAsArray` returns.
        let rows = Rows()
        guard (try? csv.enumerateAsArray(startAt: 0, rowLimit: nil) { rows.all.append($0) }) != nil else { return nil }
        return rows.all
    }

    private final class Rows {
        var all: [[String]] = []
    }
}
