/// The text of an export as UTF-8, once from beginning to end: digested, inflated and transcoded on the way.
final class TextSource {
    /// How much of the beginning is looked at to find format and encoding.
    static let headSize = 4096

    let part: ExportPart
    let hasByteOrderMark: Bool
    let encoding: TextEncoding
    let format: ExportFormat

    private let origin: any ByteStream
    private let stored: StoredBytes
    /// The beginning, which was read to find the encoding and has not been handed out yet.
    private var head: [UInt8]
    private var headOffset: Int
    private var transcoder: Transcoder?
    /// Transcoded text that did not fit the caller's buffer.
    private var surplus: [UInt8] = []
    private var surplusOffset = 0
    private static let endMark: UInt8 = 0x1A
    /// Text that was read to see whether it is over.
    private var ahead: [UInt8] = []
    private var aheadOffset = 0
    private lazy var block = [UInt8](repeating: 0, count: 1 << 16)
    private var isOver = false

    /// Throws if the file is empty, is in an encoding that is not read, or cannot be read.
    init(_ part: ExportPart, options: ReadingOptions) throws {
        self.part = part
        try part.file.checkUnchanged()
        stored = StoredBytes(part.file)
        origin = try part.open(stored)
        var head = [UInt8](repeating: 0, count: Self.headSize)
        let count = try origin.read(into: &head, range: 0..<head.count)
        head.removeLast(head.count - count)
        guard !head.isEmpty else {
            throw ExportError(
                .empty, file: part.name, problem: "the file is empty",
                advice: "find out why the export wrote nothing; an export without records still has its header")
        }
        let signature = try part.sheet == nil ? TextSignature(of: head, name: part.name, options: options) : .sheet
        self.head = head
        headOffset = signature.byteOrderMark
        hasByteOrderMark = signature.byteOrderMark > 0
        encoding = signature.encoding
        format = signature.format
        transcoder = encoding == .utf8 ? nil : Transcoder(from: encoding)
    }

    /// The file that the export is in.
    var file: ExportFile { part.file }
    /// What the export is called in messages.
    var name: String { part.name }

    /// Completes the facts after the last byte, and throws if the file is no longer the one that was opened.
    ///
    /// Of several exports in a file the last one says what the file is.
    func finish(_ facts: inout ExportFacts) throws {
        guard part.isLast else { return }
        facts.bytes = file.size
        guard stored.count == file.size else {
            // Only what was needed of the file was read, in another order than it has.
            facts.sha256 = try file.sha256()
            return
        }
        facts.sha256 = stored.sha256()
        try file.checkUnchanged(bytesRead: stored.count, sha256: facts.sha256)
    }

    /// Fills a range of the buffer with text; fewer bytes than it has only at the end.
    ///
    /// The marks with which old systems end a text (0x1A) are no part of it.
    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        var end = try fill(&buffer, range)
        guard end > range.lowerBound, buffer[end - 1] == Self.endMark else { return end - range.lowerBound }
        if end == range.upperBound {
            // What follows says whether the text ends here.
            var next = ahead[aheadOffset...].first { $0 != Self.endMark }
            while next == nil {
                var more = [UInt8](repeating: 0, count: 128)
                let count = try fillStored(&more, 0..<more.count)
                if count == 0 { break }
                ahead += more[..<count]
                next = more[..<count].first { $0 != Self.endMark }
            }
            if next != nil { return end - range.lowerBound }
            aheadOffset = ahead.count
        }
        while end > range.lowerBound, buffer[end - 1] == Self.endMark { end -= 1 }
        return end - range.lowerBound
    }

    /// Fills a range with what was read ahead and more; returns where it ends.
    private func fill(_ buffer: inout [UInt8], _ range: Range<Int>) throws -> Int {
        let known = Self.move(&ahead, &aheadOffset, into: &buffer, range: range)
        if aheadOffset == ahead.count, !ahead.isEmpty {
            ahead = []
            aheadOffset = 0
        }
        return range.lowerBound + known
            + (try fillStored(&buffer, range.lowerBound + known..<range.upperBound))
    }

    private func fillStored(_ buffer: inout [UInt8], _ range: Range<Int>) throws -> Int {
        var filled = range.lowerBound
        while filled < range.upperBound {
            let more =
                transcoder == nil
                ? try readStored(into: &buffer, range: filled..<range.upperBound)
                : try readTranscoded(into: &buffer, range: filled..<range.upperBound)
            if more == 0 { break }
            filled += more
        }
        return filled - range.lowerBound
    }

    private func readStored(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        guard headOffset == head.count else {
            return Self.move(&head, &headOffset, into: &buffer, range: range)
        }
        return try origin.read(into: &buffer, range: range)
    }

    private func readTranscoded(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        while surplusOffset == surplus.count && !isOver {
            surplus.removeAll(keepingCapacity: true)
            surplusOffset = 0
            let count = try readStored(into: &block, range: 0..<block.count)
            if count > 0 {
                transcoder?.append(block.span.extracting(0..<count), to: &surplus)
                continue
            }
            isOver = true
            guard transcoder?.isComplete != false else {
                throw ExportError(
                    .truncated, file: name, problem: "the file ends in the middle of a UTF-16 character",
                    advice: "write the file again and copy all of it")
            }
            transcoder?.finish(to: &surplus)
        }
        return Self.move(&surplus, &surplusOffset, into: &buffer, range: range)
    }

    /// Copies what fits from the unread part of one array into a range of another.
    private static func move(
        _ source: inout [UInt8], _ offset: inout Int, into buffer: inout [UInt8], range: Range<Int>
    ) -> Int {
        let count = min(range.count, source.count - offset)
        for index in 0..<count { buffer[range.lowerBound + index] = source[offset + index] }
        offset += count
        return count
    }
}

/// What the first bytes of an export say about its text.
struct TextSignature {
    let encoding: TextEncoding
    /// The length of the byte order mark, 0 without one.
    let byteOrderMark: Int
    let format: ExportFormat

    /// That of the text which a sheet is made into.
    static let sheet = TextSignature(encoding: .utf8, byteOrderMark: 0, format: .csv)

    private init(encoding: TextEncoding, byteOrderMark: Int, format: ExportFormat) {
        self.encoding = encoding
        self.byteOrderMark = byteOrderMark
        self.format = format
    }

    init(of head: [UInt8], name: String, options: ReadingOptions) throws {
        func refusal(_ problem: String) -> ExportError {
            ExportError(.encoding, file: name, problem: problem, advice: "save the export as UTF-8")
        }
        let marked: TextEncoding?
        if head.starts(with: [0xFF, 0xFE, 0, 0]) || head.starts(with: [0, 0, 0xFE, 0xFF]) {
            throw refusal("the file is UTF-32, which is not read")
        } else if head.starts(with: [0xEF, 0xBB, 0xBF]) {
            (marked, byteOrderMark) = (.utf8, 3)
        } else if head.starts(with: [0xFF, 0xFE]) {
            (marked, byteOrderMark) = (.utf16LittleEndian, 2)
        } else if head.starts(with: [0xFE, 0xFF]) {
            (marked, byteOrderMark) = (.utf16BigEndian, 2)
        } else {
            (marked, byteOrderMark) = (nil, 0)
        }
        let shown = marked ?? Self.unmarkedUTF16(head)
        if shown == nil, head.count >= 2, head[0] == 0 || head[1] == 0 {
            throw refusal("the file looks like UTF-16 without a byte order mark, and its beginning is not plain")
        }
        var start: [UInt8] = []
        var transcoder = Transcoder(from: shown ?? .utf8)
        transcoder.append(head.span.extracting(byteOrderMark..<head.count), to: &start)
        let text = start.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        format = text.first == UInt8(ascii: "<") ? .xml : .csv
        if let page = WebPage(text) {
            throw ExportError(
                .webPage, file: name, problem: "this is a web page\(page.title.map { " (\"\($0)\")" } ?? "")",
                advice:
                    "find out what answered in the place of the export, often a page to sign in or of an error, and "
                    + "fetch it again")
        }
        if format == .xml, let declared = Self.declaredEncoding(in: start) {
            guard let known = Self.encoding(named: declared, shown: shown) else {
                throw refusal("the XML declaration says \(declared), which is not read or is not so")
            }
            encoding = known
        } else {
            encoding = shown ?? options.encoding ?? .utf8
        }
    }

    /// The name in `encoding="..."` of an XML declaration, which can only stand at the very beginning.
    static func declaredEncoding(in start: [UInt8]) -> String? {
        guard start.starts(with: Array("<?xml".utf8)), let end = start.firstIndex(of: UInt8(ascii: ">")) else {
            return nil
        }
        let declaration = String(decoding: start[..<end], as: UTF8.self)
        guard let match = declaration.firstMatch(of: /[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)["']/) else {
            return nil
        }
        return String(match.1)
    }

    /// UTF-16 without a byte order mark that shows itself: every second byte of the beginning is zero, and no other.
    private static func unmarkedUTF16(_ head: [UInt8]) -> TextEncoding? {
        let units = min(16, head.count / 2)
        guard units >= 8 else { return nil }
        let zeros = head.prefix(units * 2).indices.filter { head[$0] == 0 }
        guard zeros.count == units, Set(zeros.map { $0 % 2 }).count == 1 else { return nil }
        return zeros[0] == 1 ? .utf16LittleEndian : .utf16BigEndian
    }

    /// The encoding that a declaration means; nil if it is not read, or disagrees with what the bytes show.
    private static func encoding(named name: String, shown: TextEncoding?) -> TextEncoding? {
        if name.lowercased().filter({ $0.isLetter || $0.isNumber }) == "utf16" { return shown == .utf8 ? nil : shown }
        guard let named = TextEncoding(named: name) else { return nil }
        switch named {
        case .utf16LittleEndian, .utf16BigEndian: return shown == named ? named : nil
        case .utf8: return shown == nil || shown == .utf8 ? .utf8 : nil
        case .latin1, .latin9, .windows1252: return shown == nil ? named : nil
        }
    }
}
