import Testing

@testable import ExportFiles

struct CSVFramerTests {
    /// Frames a text: each record as its fields between the delimiters, or what else was found.
    static func frame(
        _ text: String, delimiter: Character = ",", endsAtCarriageReturn: Bool = false
    ) -> [String] {
        var bytes = Array(text.utf8)
        let count = bytes.count
        bytes += [UInt8](repeating: 0, count: 8)
        let framer = CSVFramer(
            delimiter: delimiter.asciiValue ?? 0, endsAtCarriageReturn: endsAtCarriageReturn)
        var record = CSVFramer.Record()
        var ends = [Int32](repeating: 0, count: 10)
        var start = 0
        var found: [String] = []
        while true {
            var room = ends.mutableSpan
            let step = framer.next(
                in: bytes.span, from: start, to: count, isLast: true, record: &record, fieldEnds: &room)
            switch step {
            case .end: return found
            case .unterminated, .incomplete:
                found.append("\(step)")
                return found
            case .blank: found.append("blank")
            case .record:
                var fieldStart = record.start
                let fields = ends.prefix(record.fieldCount).map { end in
                    defer { fieldStart = Int(end) + 1 }
                    return String(decoding: bytes[fieldStart..<Int(end)], as: UTF8.self)
                }
                let fault = record.fault.map { " !\($0)" } ?? ""
                found.append("\(record.lines): \(fields.joined(separator: "|"))\(fault)")
            }
            start = record.next
        }
    }

    @Test(
        "records and fields are found",
        arguments: [
            ("a,b\nc,d\n", ["1: a|b", "1: c|d"]), ("a,b", ["1: a|b"]), ("a,\n,b\n", ["1: a|", "1: |b"]),
            (",", ["1: |"]), ("a\r\nb\r\n", ["1: a", "1: b"]), ("\n\na\n\n", ["blank", "blank", "1: a", "blank"]),
            ("\r\na", ["blank", "1: a"]), ("\"a,b\",c\n", ["1: \"a,b\"|c"]),
            ("\"a\nb\r\nc\rd\",e\nf,g", ["4: \"a\nb\r\nc\rd\"|e", "1: f|g"]),
            ("\"a\"\"b\",\"\"\n", ["1: \"a\"\"b\"|\"\""]), ("\"\"\"\"\n", ["1: \"\"\"\""]), (" a, b\n", ["1:  a| b"]),
            ("a\tb,c\n", ["1: a\tb|c"]), ("\"a\"", ["1: \"a\""]), ("\"a\",", ["1: \"a\"|"]),
        ] as [(String, [String])])
    func records(_ text: String, _ expected: [String]) {
        #expect(Self.frame(text) == expected)
    }

    @Test(
        "what RFC 4180 forbids is told, and the next record is read as it stands",
        arguments: [
            ("a\"b,c\nd,e\n", ["1: a\"b|c !bareQuote", "1: d|e"]),
            (" \"a\",b\nd,e\n", ["1:  \"a\"|b !bareQuote", "1: d|e"]),
            ("\"a\"b,c\nd,e\n", ["1: \"a\"b|c !textAfterQuote", "1: d|e"]),
            ("\"a\" ,c\nd,e\n", ["1: \"a\" |c !textAfterQuote", "1: d|e"]),
            ("a\rb,c\nd,e\n", ["1: a\rb|c !carriageReturn", "1: d|e"]),
            ("\"a\"\rb\nd", ["1: \"a\"\rb !carriageReturn", "1: d"]), ("a,b\r", ["1: a|b\r !carriageReturn"]),
            ("a\0b\nc", ["1: a\0b !nulByte", "1: c"]), ("\"a\0\"\nc", ["1: \"a\0\" !nulByte", "1: c"]),
            ("a\n\"b\nc,d\n", ["1: a", "unterminated"]), ("a,\"", ["unterminated"]), ("\"a\"\"", ["unterminated"]),
        ] as [(String, [String])])
    func faults(_ text: String, _ expected: [String]) {
        #expect(Self.frame(text) == expected)
    }

    @Test("a carriage return alone ends records where it ends the header")
    func carriageReturns() {
        #expect(
            Self.frame("a,b\rc\r\nd\ne\r\r", endsAtCarriageReturn: true) == ["1: a|b", "1: c", "1: d", "1: e", "blank"])
    }

    @Test("other delimiters split, and a comma then does not", arguments: [";", "\t", "|", "^", "~"] as [Character])
    func delimiters(_ delimiter: Character) {
        let text = "a,x\(delimiter)\"b\(delimiter)c\"\nd\(delimiter)e\n"
        #expect(Self.frame(text, delimiter: delimiter) == ["1: a,x|\"b\(delimiter)c\"", "1: d|e"])
    }

    @Test("a record that is not all there is asked for again")
    func incomplete() {
        var record = CSVFramer.Record()
        var ends = [Int32](repeating: 0, count: 4)
        let framer = CSVFramer(delimiter: UInt8(ascii: ","), endsAtCarriageReturn: false)
        for text in ["a,b", "a,b\r", "\"a\nb", "\"a\"", "\"a\"\"", ""] {
            let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: 8)
            var room = ends.mutableSpan
            let step = framer.next(
                in: bytes.span, from: 0, to: text.utf8.count, isLast: false, record: &record, fieldEnds: &room)
            #expect(step == .incomplete, "\(text.debugDescription)")
        }
    }

    @Test("only bytes of the record itself decide whether it is ASCII")
    func ascii() {
        var record = CSVFramer.Record()
        var ends = [Int32](repeating: 0, count: 4)
        let framer = CSVFramer(delimiter: UInt8(ascii: ","), endsAtCarriageReturn: false)
        let text = Array("ü,b\na,b\nü\n".utf8)
        let bytes = text + [UInt8](repeating: 0xFF, count: 8)
        var start = 0
        var found: [Bool] = []
        while start < text.count {
            var room = ends.mutableSpan
            _ = framer.next(
                in: bytes.span, from: start, to: text.count, isLast: true, record: &record, fieldEnds: &room)
            found.append(record.isASCII)
            start = record.next
        }
        #expect(found == [false, true, false])
    }
}
