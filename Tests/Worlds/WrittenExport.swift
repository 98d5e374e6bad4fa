import CartAssociations
import Crypto
import TestSupport

/// A file of an export as its system wrote it, and what happened to it on its way.
final class WrittenExport: @unchecked Sendable {
    /// Which of an export's files one is.
    struct Part {
        /// What all files of the export have in common.
        let export: String
        let count: Int
    }

    let name: String
    let source: String
    /// What it wants, each once; for a delta, what it wants made.
    let creates: Set<Association>
    /// What a delta wants removed.
    let deletes: Set<Association>
    let isDelta: Bool
    /// Nil if it is the whole export.
    let part: Part?
    /// Records of it, usable or not; nil if what is left of it cannot be known.
    private(set) var records: Int?
    /// Records that nobody can use; nil if that depends on who is known when it is read.
    let unusable: Int?
    private(set) var bytes: [UInt8]
    private(set) var damage: String?
    /// The text of each record, and the parts of the file that it must stand between.
    private let texts: [Association: [UInt8]]
    private let isPacked: Bool
    /// The files beside it, by the endings of their names.
    private(set) var companions: [String: [UInt8]] = [:]

    /// The kinds of owner that it speaks for.
    var kinds: Set<OwnerKind> { Set(creates.union(deletes).map(\.owner.kind)) }
    var isWhole: Bool { damage == nil }
    /// The SHA-256 of its bytes, in hexadecimal.
    private(set) lazy var digest = Self.digest(of: bytes)

    private static func digest(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// What an export asks for, and of whom.
    struct Content {
        let source: String
        var creates: Set<Association>
        var deletes: Set<Association> = []
        var isDelta = false
        /// The e-mails that customers are named by; nil if they are named by their ids.
        var customers: Customers?
    }

    /// Writes an export of a shape that the random numbers choose.
    convenience init(_ name: String, _ content: Content, oddities: Bool = true, using random: SeededRandom) {
        let shape = Shape.chosen(content, using: random)
        self.init(name, content, shape, part: nil, oddities: oddities, using: random)
    }

    /// Writes an export of several files, all of one shape.
    static func parts(
        _ name: String, _ content: Content, count: Int, using random: SeededRandom
    ) -> [WrittenExport] {
        let shape = Shape.chosen(content, using: random)
        let creates = content.creates.sorted()
        return (1...count).map { number in
            var own = content
            own.creates = Set(creates.enumerated().filter { $0.offset % count == number - 1 }.map(\.element))
            return WrittenExport(
                "\(name)-\(number)of\(count)", own, shape, part: Part(export: name, count: count), oddities: true,
                using: random)
        }
    }

    private init(
        _ name: String, _ content: Content, _ shape: Shape, part: Part?, oddities: Bool, using random: SeededRandom
    ) {
        let changes =
            content.creates.sorted().map { ($0, "create") } + content.deletes.sorted().map { ($0, "delete") }
        var lines = random.isOneIn(3) ? changes : random.shuffled(changes)
        // Duplicates, and records that cannot be used.
        if oddities, random.isOneIn(4), let again = lines.first { lines.append(again) }
        let odd = oddities && !lines.isEmpty && random.isOneIn(8) ? 1 : 0
        unusable = content.customers == nil ? odd : nil
        var texts: [Association: [UInt8]] = [:]
        var written = lines.map { association, action in
            let text = shape.record(association, action)
            texts[association] = Array(text.utf8)
            return text
        }
        if odd > 0 { written.append(shape.unusable(random.name())) }
        var bytes = Array((shape.head + written.joined() + shape.tail).utf8)
        isPacked = random.isOneIn(6)
        if isPacked { bytes = gzip(bytes) }
        records = written.count
        let ending = (shape.isXML ? "xml" : "csv") + (isPacked ? ".gz" : "")
        self.name = "\(name).\(ending)"
        (source, creates, deletes, isDelta) = (content.source, content.creates, content.deletes, content.isDelta)
        (self.bytes, self.texts, self.part) = (bytes, texts, part)
    }

    /// The same export under another name, as it was before anything happened to it.
    init(_ name: String, like other: WrittenExport) {
        self.name = name + other.name.drop { $0 != "." }
        (source, creates, deletes, isDelta) = (other.source, other.creates, other.deletes, other.isDelta)
        (records, unusable, bytes, damage) = (other.records, other.unusable, other.bytes, other.damage)
        (texts, isPacked, part) = (other.texts, other.isPacked, other.part)
    }

    /// Puts a manifest beside it, or a mark that it is complete.
    func announce(using random: SeededRandom) {
        switch random.number(0...3) {
        case 0: companions[".done"] = []
        case 1: companions[".manifest.json"] = Array(#"{"records":\#(records ?? 0)}"#.utf8)
        case 2: companions[".manifest.json"] = Array(#"{"sha256":"\#(digest)"}"#.utf8)
        default:
            // A wrong one makes as much of an export void as damage.
            companions[".manifest.json"] = Array(#"{"records":\#((records ?? 0) + 1)}"#.utf8)
            damage = "another number of records in its manifest"
            records = nil
        }
    }

    /// Damages it.
    func suffer(using random: SeededRandom) {
        guard bytes.count > 4 else { return }
        if random.isOneIn(3) {
            let end = random.number(1...bytes.count - 1)
            bytes.removeSubrange(end...)
            damage = "cut after \(end) bytes"
        } else {
            let kind = random.pick(Damage.allCases)
            let damaged = random.damage(bytes, by: kind)
            guard damaged != bytes else { return }
            bytes = damaged
            damage = kind.rawValue
        }
        records = nil
        digest = Self.digest(of: bytes)
    }

    /// Whether the record of an association stands in the file as it was written.
    func stillHas(_ association: Association) -> Bool {
        guard let text = texts[association] else { return false }
        // What is packed is whole or refused.
        if isWhole || isPacked { return isWhole }
        return bytes.contains(text)
    }
}

extension [UInt8] {
    fileprivate func contains(_ part: [UInt8]) -> Bool {
        guard let first = part.first, part.count <= count else { return false }
        return indices.contains {
            self[$0] == first && $0 + part.count <= count && self[$0..<$0 + part.count].elementsEqual(part)
        }
    }
}

/// The shapes that exports have.
private struct Shape {
    let head: String
    let tail: String
    let isXML: Bool
    let record: (Association, _ action: String) -> String
    /// A record whose cart's name cannot be one.
    let unusable: (_ name: String) -> String

    static func chosen(_ content: WrittenExport.Content, using random: SeededRandom) -> Shape {
        let isDelta = content.isDelta
        if let customers = content.customers {
            return random.isOneIn(3) ? keyedElements(isDelta, customers) : keyedLines(isDelta, customers, random)
        }
        return switch random.number(0...3) {
        case 0: elements(isDelta)
        case 1: attributes(isDelta)
        default: lines(isDelta, Set(content.creates.union(content.deletes).map(\.owner.kind)), random)
        }
    }

    private static func lines(_ isDelta: Bool, _ kinds: Set<OwnerKind>, _ random: SeededRandom) -> Shape {
        let delimiter = random.pick([",", ",", ";", "\t", "|"])
        let end = random.pick(["\n", "\r\n"])
        let note = random.isOneIn(3)
        let quotes = random.isOneIn(3)
        let one = kinds.count == 1 && random.isOneIn(2) ? kinds.first : nil
        let owner = one.map { ["\($0.rawValue)_id"] } ?? ["owner_type", "owner_id"]
        func line(_ cells: [String]) -> String {
            cells.map { quotes ? "\"\($0)\"" : $0 }.joined(separator: delimiter) + end
        }
        func row(_ kind: String, _ owner: String, _ cart: String, _ action: String) -> String {
            line(
                (one == nil ? [kind, owner] : [owner]) + [cart] + (note ? ["a note"] : []) + (isDelta ? [action] : []))
        }
        return Shape(
            head: line(owner + ["cart_id"] + (note ? ["note"] : []) + (isDelta ? ["action"] : [])), tail: "",
            isXML: false,
            record: { row($0.owner.kind.rawValue, $0.owner.id.text, $0.cart.text, $1) },
            unusable: { row("customer", "u-\($0)", "not a cart", "create") })
    }

    private static func keyedLines(_ isDelta: Bool, _ customers: Customers, _ random: SeededRandom) -> Shape {
        let delimiter = random.pick([",", ";", "\t", "|"])
        func row(_ email: String, _ cart: String, _ action: String) -> String {
            ([email, cart] + (isDelta ? [action] : [])).joined(separator: delimiter) + "\n"
        }
        return Shape(
            head: row("customer_email", "cart_id", "action"), tail: "", isXML: false,
            record: { row(customers.email(of: $0.owner.id.text), $0.cart.text, $1) },
            unusable: { row("\($0)@example.com", "not a cart", "create") })
    }

    private static func keyedElements(_ isDelta: Bool, _ customers: Customers) -> Shape {
        func element(_ email: String, _ cart: String, _ action: String) -> String {
            "<association><customer_email>\(email)</customer_email><cart_id>\(cart)</cart_id>"
                + (isDelta ? "<action>\(action)</action>" : "") + "</association>\n"
        }
        return Shape(
            head: "<?xml version=\"1.0\"?>\n<associations>\n", tail: "</associations>\n", isXML: true,
            record: { element(customers.email(of: $0.owner.id.text), $0.cart.text, $1) },
            unusable: { element("\($0)@example.com", "not a cart", "create") })
    }

    private static func elements(_ isDelta: Bool) -> Shape {
        func element(_ kind: String, _ owner: String, _ cart: String, _ action: String) -> String {
            "<association><owner_type>\(kind)</owner_type><owner_id>\(owner)</owner_id><cart_id>\(cart)</cart_id>"
                + (isDelta ? "<action>\(action)</action>" : "") + "</association>\n"
        }
        return Shape(
            head: "<?xml version=\"1.0\"?>\n<associations>\n", tail: "</associations>\n", isXML: true,
            record: { element($0.owner.kind.rawValue, $0.owner.id.text, $0.cart.text, $1) },
            unusable: { element("customer", "u-\($0)", "not a cart", "create") })
    }

    private static func attributes(_ isDelta: Bool) -> Shape {
        func element(_ kind: String, _ owner: String, _ cart: String, _ action: String) -> String {
            "<association \(kind)_id=\"\(owner)\" cart_id=\"\(cart)\"\(isDelta ? " action=\"\(action)\"" : "")/>\n"
        }
        return Shape(
            head: "<?xml version=\"1.0\"?>\n<associations>\n", tail: "</associations>\n", isXML: true,
            record: { element($0.owner.kind.rawValue, $0.owner.id.text, $0.cart.text, $1) },
            unusable: { element("customer", "u-\($0)", "not a cart", "create") })
    }
}
