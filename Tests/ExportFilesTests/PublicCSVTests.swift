import Foundation
import Testing

@testable import ExportFiles

/// CSV cases that the authors of other readers wrote.
struct PublicCSVTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        struct Strict: Decodable, Sendable {
            let verdict: String
            let reason: String?
            let ragged: Bool?
        }
        struct Expectation: Decodable, Sendable {
            let rows: String?
        }
        struct Dialect: Decodable, Sendable {
            let delimiter: String?
        }
        let id: String
        let input: String
        let dialect: Dialect
        let strict: Strict
        let upstream_expect: Expectation
        var testDescription: String { id }
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/csv")

    static let all: [Case] = {
        let lines = (try? String(contentsOf: folder.appending(path: "manifest.jsonl"), encoding: .utf8)) ?? ""
        return lines.split(separator: "\n").compactMap { line in
            try? JSONDecoder().decode(Case.self, from: Data(line.utf8))
        }
    }()

    /// Cases whose verdict is to refuse a carriage return alone, which cartsync takes for a line end because the
    /// first line ends with one: exports of that kind exist.
    static let carriageReturnFiles: Set<String> = [
        "go-encoding-csv/barecr", "go-encoding-csv/trailingcr", "go-encoding-csv/quotedtrailingcr",
        "go-encoding-csv/quotedtrailingcrcr", "go-encoding-csv/fieldcr", "go-encoding-csv/fieldcrcr",
        "go-encoding-csv/fieldcrcrlf", "go-encoding-csv/fieldcrcrlfcr", "go-encoding-csv/fieldcrcrlfcrcr",
        "go-encoding-csv/multifieldcrcrlfcrcr", "rust-csv-core/one-row-one-field-cr",
        "rust-csv-core/one-row-many-fields-cr", "rust-csv-core/one-row-trailing-comma-cr",
        "rust-csv-core/many-rows-one-field-cr", "rust-csv-core/many-rows-many-fields-cr",
        "rust-csv-core/many-rows-trailing-comma-cr", "rust-csv-core/trailing-lines-no-record-cr",
        "rust-csv-core/empty-lines-cr", "rust-csv-core/empty-lines-interspersed-cr",
        "cpython-test-csv/test-read-eol-4", "cpython-test-csv/test-read-eol-5",
    ]

    /// What cartsync does where readers differ, apart from blank lines, which it passes over as the cases do.
    static let policies: [String: [[String]]] = [
        "go-encoding-csv/badfieldcount1": [["a", "b", "c"]],
        // A line end inside of quotes stays as it is.
        "go-encoding-csv/crlfinquotedfield": [["A", "Hello\r\nHi", "B"]],
        "cpython-test-csv/test-read-eol-6": [["a", "b"], ["c", "d"]],
        "cpython-test-csv/test-read-eol-7": [["a", "b"], ["c", "d"]],
        "cpython-test-csv/test-read-oddinputs": [],
    ]

    @Test("all public cases are there")
    func count() {
        #expect(Self.all.count == 176)
        #expect(Self.all.count { $0.strict.verdict != "na" } == 122)
    }

    @Test(
        "each public case is read or refused as a strict reader does",
        arguments: all.filter { $0.strict.verdict != "na" })
    func verdict(_ item: Case) throws {
        let bytes = Array(try Data(contentsOf: Self.folder.appending(path: item.input)))
        let delimiter = Character(item.dialect.delimiter ?? ",")
        let result = StrictRows(bytes, delimiter: delimiter)
        switch item.strict.verdict {
        case "reject" where Self.carriageReturnFiles.contains(item.id):
            #expect(item.strict.reason == "bare-cr")
            #expect(result.rows != nil)
        case "reject":
            #expect(result.rows == nil || item.strict.ragged == true && result.isRagged)
        case "policy":
            let expected = try Self.policies[item.id] ?? upstreamRows(item)
            #expect(result.rows == expected)
        default:
            #expect(result.rows == (try upstreamRows(item)))
        }
    }

    private func upstreamRows(_ item: Case) throws -> [[String]] {
        let name = try #require(item.upstream_expect.rows)
        return try JSONDecoder().decode(
            [[String]].self, from: Data(contentsOf: Self.folder.appending(path: name)))
    }
}

/// All cells of a text, as the framer finds them.
struct StrictRows {
    /// Nil where any record is refused.
    private(set) var rows: [[String]]? = []
    private(set) var isRagged = false

    /// - Parameter isChecked: whether SwiftCSV must agree.
    init(_ bytes: [UInt8], delimiter: Character, isChecked: Bool = true) {
        var text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        let count = text.count
        text += [UInt8](repeating: 0, count: 8)
        guard let byte = delimiter.asciiValue else {
            rows = nil
            return
        }
        // As for a header: the end of the first line that is not blank decides what a carriage return is.
        var framer = CSVFramer(delimiter: byte, endsAtCarriageReturn: true)
        var record = CSVFramer.Record()
        var ends = [Int32](repeating: 0, count: 1000)
        var start = 0
        var widths: Set<Int> = []
        while true {
            var room = ends.mutableSpan
            let step = framer.next(
                in: text.span, from: start, to: count, isLast: true, record: &record, fieldEnds: &room)
            switch step {
            case .end:
                isRagged = widths.count > 1
                return
            case .incomplete, .unterminated:
                rows = nil
                return
            case .blank:
                start = record.next
                continue
            case .record: break
            }
            guard record.fault == nil,
                String(validating: text[record.start..<record.end], as: UTF8.self) != nil
            else {
                rows = nil
                return
            }
            if widths.isEmpty { framer.endsAtCarriageReturn = text[record.end..<record.next].elementsEqual([0x0D]) }
            widths.insert(record.fieldCount)
            var cells: [String] = []
            var cellStart = record.start
            for end in ends.prefix(record.fieldCount).map(Int.init) {
                let cell = CSVField(text.span, cellStart..<end)
                cells.append(String(decoding: cell.unescaped(text.span), as: UTF8.self))
                cellStart = end + 1
            }
            if isChecked { #expect(swiftCSVRow(cells, delimiter: delimiter) == cells) }
            rows?.append(cells)
            start = record.next
        }
    }
}
