import Crypto
import DurableFiles

/// The texts that cells of a workbook share, by their numbers: some in memory, the others in a temporary file.
///
/// What goes to the file is sealed with a key that only this process has, because the workbook itself may have come
/// encrypted.
final class SharedStrings {
    private static let pageSize = 1 << 16
    /// How many pages stay in memory for good, and how many more for a while.
    private static let pagesKept = 256
    private static let pagesCached = 64
    /// How many texts follow each other from one place that is known.
    private static let spacing = 4
    /// A page in the file has a nonce and a tag more.
    private static let sealedSize = pageSize + 28

    /// Where every so many texts begin. Each is its length in four bytes, and then itself.
    private var places: [UInt64] = []
    private(set) var count = 0
    private var pages: [[UInt8]] = []
    /// The text behind the one that was asked for last, and where it begins: cells mostly ask in order.
    private var following = (number: -1, place: 0)
    /// The page that is being filled.
    private var last: [UInt8] = []
    private var lastPage = 0
    private var cache: [(page: Int, bytes: [UInt8])?] = Array(repeating: nil, count: SharedStrings.pagesCached)
    private var file: SpillFile?
    private let folder: String
    private let key = SymmetricKey(size: .bits256)

    /// - Parameter folder: that of the temporary file, if one is needed.
    init(spillFolder folder: String) {
        self.folder = folder
    }

    /// Reads the texts of a workbook.
    convenience init(_ stream: any ByteStream, of name: String, spillFolder folder: String) throws {
        self.init(spillFolder: folder)
        let reader = SharedStringsReader()
        let parser = try XMLPartParser(reader, name: name)
        while try parser.parseBlock(of: stream) != nil {
            for range in reader.ended { try add(reader.text[range]) }
            reader.clear()
        }
    }

    func add(_ text: ArraySlice<UInt8>) throws {
        if count % Self.spacing == 0 { places.append(UInt64(lastPage * Self.pageSize + last.count)) }
        count += 1
        let length = UInt32(text.count)
        for shift in stride(from: UInt32(0), to: 32, by: 8) { last.append(UInt8(truncatingIfNeeded: length >> shift)) }
        last += text
        while last.count >= Self.pageSize {
            try keep(Array(last[..<Self.pageSize]))
            last.removeFirst(Self.pageSize)
        }
    }

    /// Adds a text to other bytes; false if there is none of this number.
    func append(_ number: Int, to text: inout [UInt8]) throws -> Bool {
        guard (0..<count).contains(number) else { return false }
        var place = following.place
        if number != following.number {
            place = Int(places[number / Self.spacing])
            for _ in 0..<number % Self.spacing { place += 4 + (try length(at: place)) }
        }
        let length = try length(at: place)
        place += 4
        let end = place + length
        while place < end {
            let (page, offset) = (place / Self.pageSize, place % Self.pageSize)
            let part = min(end - place, Self.pageSize - offset)
            try withPage(page) { text += $0[offset..<offset + part] }
            place += part
        }
        following = (number + 1, end)
        return true
    }

    private func length(at place: Int) throws -> Int {
        var length = 0
        var done = 0
        while done < 4 {
            let (page, offset) = ((place + done) / Self.pageSize, (place + done) % Self.pageSize)
            let part = min(4 - done, Self.pageSize - offset)
            try withPage(page) { bytes in
                for index in 0..<part { length |= Int(bytes[offset + index]) << (8 * (done + index)) }
            }
            done += part
        }
        return length
    }

    private func withPage(_ page: Int, _ body: ([UInt8]) -> Void) throws {
        if page == lastPage { return body(last) }
        if page < pages.count { return body(pages[page]) }
        let slot = page % Self.pagesCached
        if let cached = cache[slot], cached.page == page { return body(cached.bytes) }
        let bytes = try load(page)
        cache[slot] = (page, bytes)
        body(bytes)
    }

    private func keep(_ page: [UInt8]) throws {
        defer { lastPage += 1 }
        guard lastPage >= Self.pagesKept else {
            pages.append(page)
            return
        }
        do {
            let sealed = try AES.GCM.seal(page, using: key)
            guard let bytes = sealed.combined else { throw CryptoKitError.incorrectParameterSize }
            let file = try self.file ?? SpillFile(folder: folder)
            self.file = file
            // Bytes are written and read below as what they are.
            try unsafe file.write(Array(bytes).span.bytes, at: (lastPage - Self.pagesKept) * Self.sealedSize)
        } catch {
            throw unwritable(error)
        }
    }

    private func load(_ page: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.sealedSize)
        do {
            var span = bytes.mutableSpan
            var raw = unsafe span.mutableBytes
            try file?.read(into: &raw, at: (page - Self.pagesKept) * Self.sealedSize)
            return Array(try AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: key))
        } catch {
            throw unwritable(error)
        }
    }

    private func unwritable(_ error: any Error) -> ExportError {
        ExportError(
            .writeFailed, file: folder, problem: "the texts of a workbook cannot be kept there: \(error)",
            advice: "make room or choose another state folder, or save the sheet as CSV (UTF-8)")
    }
}

/// Collects the texts of a workbook as they are parsed.
private final class SharedStringsReader: XMLEvents {
    private enum Word { case item, text, phonetic, other }

    private var words: [Word] = []
    private var open: [Word] = []
    private(set) var text: [UInt8] = []
    private(set) var ended: [Range<Int>] = []
    private var start = 0
    /// How many texts of phonetic hints are open: they are not what the cell says.
    private var phonetic = 0

    /// Forgets the texts that have ended.
    func clear() {
        text.removeFirst(ended.last?.upperBound ?? 0)
        ended.removeAll(keepingCapacity: true)
        start = 0
    }

    func name(_ text: String, in namespace: String) {
        let word: Word =
            switch text {
            case "si": .item
            case "t": .text
            case "rPh": .phonetic
            default: .other
            }
        words.append(word)
    }
    func start(_ name: Int, in parser: XMLPushParser) {
        open.append(words[name])
        if words[name] == .phonetic { phonetic += 1 }
        if words[name] == .item { start = text.count }
    }
    func attribute(_ name: Int, _ value: Span<UInt8>, in parser: XMLPushParser) {}
    func attributesEnded() {}
    func text(_ bytes: Span<UInt8>) {
        if phonetic == 0, open.last == .text { text.append(bytes) }
    }
    func hidden(_ bytes: Span<UInt8>, in parser: XMLPushParser) {}
    func end(in parser: XMLPushParser) {
        switch open.popLast() {
        case .phonetic: phonetic -= 1
        case .item:
            SheetEscape.undo(in: &text, from: start)
            ended.append(start..<text.count)
        default: break
        }
    }
}

/// Characters that XML cannot have, as workbooks write them: `_x000D_` is a carriage return, `_x005F_` the line itself.
enum SheetEscape {
    /// Puts the characters into a text, from a position on.
    static func undo(in text: inout [UInt8], from start: Int) {
        guard var at = next(in: text, from: start) else { return }
        var plain = Array(text[start..<at])
        var end = at
        while true {
            plain += text[end..<at]
            let digits = String(decoding: text[at + 2..<at + 6], as: UTF8.self)
            let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
            plain += Array(String(Character(scalar)).utf8)
            end = at + 7
            guard let following = next(in: text, from: end) else { break }
            at = following
        }
        plain += text[end...]
        text.removeLast(text.count - start)
        text += plain
    }

    private static func next(in text: [UInt8], from start: Int) -> Int? {
        var at = start
        while at + 7 <= text.count {
            if text[at] == UInt8(ascii: "_"), text[at + 1] == UInt8(ascii: "x"), text[at + 6] == UInt8(ascii: "_"),
                (at + 2..<at + 6).allSatisfy({ Character(Unicode.Scalar(text[$0])).isHexDigit })
            {
                return at
            }
            at += 1
        }
        return nil
    }
}
