import AssociationDiff
import CartAssociations
import DurableFiles
import ExportFiles

/// What the exports leave in doubt: no association whose cart or owner stands in a part that was not understood is
/// deleted because of its absence.
///
/// Identifiers are remembered as fingerprints of every maximal run of `[A-Za-z0-9_-]`; a cart's id is one such run, and an
/// owner's may be several, as may the name that an export has for a cart. First all parts are added, then questions are
/// asked, and `answers` settles them together, so that any number of either fits in the memory of a comparison.
final class NamesInDoubt {
    /// Why a run that reads snapshots makes no deletes at all.
    private(set) var everything: String?
    /// Why a run makes no deletes, whatever it reads: the end of an export may be missing.
    private(set) var cut: String?
    /// Parts of the exports that were not understood.
    private(set) var parts = 0
    /// The first records that are used although a field of theirs seems to hold whole records.
    private(set) var swallowing: [DoubtfulPart] = []
    private(set) var swallowingCount = 0

    private let key: FingerprintKey
    /// How the exports' carts are called in the store.
    private let carts: CartNames
    private let spillFolder: String
    /// Whether reports hide owners: the sentence of a reason may name one.
    private let hidesOwners: Bool
    /// The names of the exports in their order; empty for a single one, whose name need not be told.
    private let exports: [String]
    private var names: NamedRows?
    private var bytes = 0
    private var questions = 0
    /// Identifiers since the room on the disk was asked.
    private var wordsUnasked = 0
    /// What was wrong with the first parts, in words.
    private var sentences: [Int: String] = [:]
    /// How a word is recognised: whether each byte may be in an identifier.
    private let isIdentifier: [Bool] = (0...255).map { byte in
        let scalar = Unicode.Scalar(UInt8(byte))
        return scalar == "-" || scalar == "_" || scalar.isASCII && scalar.properties.isAlphabetic
            || (48...57).contains(byte)
    }

    /// Parts whose sentence is kept; of later ones only the line and the reason's name are told.
    private static let sentencesKept = 1_000
    private static let swallowingShown = 3
    /// After so many identifiers, about 6 MB on the disk, the room there is asked again.
    private static let wordsPerLook = 1 << 18
    /// Above this part of the exports' text nothing is believed to be missing on purpose.
    private static let largestShare = 0.1

    /// - Parameter spillFolder: the folder of what does not fit into memory.
    init(
        _ key: FingerprintKey, exports: [String], carts: CartNames = CartNames(), hidesOwners: Bool = false,
        spillFolder: String
    ) {
        self.key = key
        self.carts = carts
        self.hidesOwners = hidesOwners
        self.exports = exports.count > 1 ? exports : []
        self.spillFolder = spillFolder
        names = Self.names(spillFolder)
    }

    private static func names(_ folder: String) -> NamedRows {
        NamedRows(memoryBudget: RunOptions.fingerprintBudget, spillFolder: folder)
    }

    /// Adds a part that was not understood.
    func add(_ part: DoubtfulPart) throws {
        parts += 1
        bytes += part.size
        let place = PartPlace(part)
        if sentences.count < Self.sentencesKept, sentences[place.number] == nil {
            sentences[place.number] = hidesOwners ? part.reason.code.rawValue : part.reason.sentence
        }
        if part.isUsed {
            swallowingCount += 1
            if swallowing.count < Self.swallowingShown { swallowing.append(part) }
        }
        if part.hidesIdentifiers && everything == nil {
            everything = "\(words(place)), and may hide identifiers: records run together there, or were cut"
        }
        try add(wordsOf: part.text.span, at: place)
    }

    /// Adds an id that stands in a part which was not understood, under another name.
    func add(name id: Span<UInt8>, of part: DoubtfulPart) throws {
        try add(wordsOf: id, at: PartPlace(part))
    }

    private func add(wordsOf text: Span<UInt8>, at place: PartPlace) throws {
        try forEachWord(text) {
            try names?.add(key.fingerprint(cart: $0), position: UInt64(place.number))
            wordsUnasked += 1
        }
        guard wordsUnasked >= Self.wordsPerLook else { return }
        wordsUnasked = 0
        // Nobody knows before how many there are. What does not say how much is free is not full.
        if let problem = (try? FreeSpace(at: spillFolder))?.problem(0) { throw RunFailure.noRoom(problem) }
    }

    /// Notes that a part may name any owner.
    func addAnyOwner(of part: DoubtfulPart, because reason: String) {
        everything = everything ?? "\(words(PartPlace(part))), and may name any owner: \(reason)"
    }

    /// An export may have lost records, of which nothing is left to say whose they were.
    func mayLackRecords(because reason: String) {
        cut = cut ?? reason
        everything = everything ?? cut
    }

    /// Judges how much of the exports was not understood, once all of it is known.
    ///
    /// - Parameter total: the size of the exports' text.
    func judgeShare(of total: Int) {
        guard everything == nil, Double(bytes) > Self.largestShare * Double(total) else { return }
        everything =
            "\(percent(Double(bytes) / Double(max(total, 1)))) of the export was not understood, more than "
            + percent(Self.largestShare)
    }

    /// Whether there is anything to ask for.
    var hasNames: Bool { parts > 0 }

    /// Asks whether a cart is in doubt: as many questions as `Answers.next` takes for it.
    func ask(cart: Span<UInt8>) throws {
        try ask(cart)
        try forEachWord(ofNameOf: cart) { try ask($0) }
    }

    /// Asks whether an association is in doubt: as many questions as `Answers.next` takes for it.
    func ask(_ association: Association) throws {
        let cart = Array(association.cart.text.utf8)
        try ask(cart: cart.span)
        let owner = Array(association.owner.id.text.utf8)
        try forEachWord(owner.span) { try ask($0) }
    }

    /// Questions are numbered from 0 in their order.
    private func ask(_ word: Span<UInt8>) throws {
        try names?.add(key.fingerprint(cart: word), row: questions)
        questions += 1
    }

    /// Visits the words of what the export calls a cart, if that is not its id; true if there is such a name.
    @discardableResult
    private func forEachWord(ofNameOf cart: Span<UInt8>, _ visit: (Span<UInt8>) throws -> Void) rethrows -> Bool {
        guard carts.areOther, let name = CartID(String(decodingBytesOf: cart)).flatMap(carts.name) else { return false }
        let text = Array(name.utf8)
        try forEachWord(text.span, visit)
        return true
    }

    /// The answers to all questions that were asked; there can be no more.
    func answers() throws -> Answers {
        var answers = Answers(questions: questions)
        let all = names.take()
        names = Self.names(spillFolder)
        try all?.forEachMatch { question, position, _ in answers.add(question, position) }
        answers.doubts = self
        return answers
    }

    /// What was asked for, and where it stands.
    struct Answers {
        fileprivate var doubts: NamesInDoubt?
        private var found: RecordSet
        private var places: [Int: UInt64] = [:]
        private var next = 0

        /// That something is in doubt, and the question that says where it stands, if one does.
        private struct Doubt {
            let question: Int?
        }

        /// Places that are kept; what else is in doubt is told without one.
        private static let placesKept = 100_000

        fileprivate init(questions: Int) { found = RecordSet(capacity: questions) }

        fileprivate mutating func add(_ question: Int, _ position: UInt64) {
            found.insert(question)
            if places.count < Self.placesKept { places[question] = position }
        }

        /// Why a cart is in doubt, if it was the next one that was asked for; nil if it is not.
        mutating func next(cart: Span<UInt8>) -> String? {
            takeNext(cart: cart).map { sentence("its cart", $0.question) }
        }

        /// Nil if the cart is not in doubt.
        private mutating func takeNext(cart: Span<UInt8>) -> Doubt? {
            guard let doubts else { return nil }
            let id = next
            next += 1
            let first = next
            var isNameInDoubt = true
            let hasName = doubts.forEachWord(ofNameOf: cart) { _ in
                if !found.contains(next) { isNameInDoubt = false }
                next += 1
            }
            if found.contains(id) { return Doubt(question: id) }
            // A name without a single such character cannot be told from what was not understood.
            return hasName && isNameInDoubt && doubts.hasNames ? Doubt(question: next == first ? nil : first) : nil
        }

        /// Why an association is in doubt, if it was the next one that was asked for; nil if it is not.
        mutating func next(_ association: Association) -> String? {
            guard let doubts else { return nil }
            let cart = Array(association.cart.text.utf8)
            let doubtOfCart = takeNext(cart: cart.span)
            let first = next
            var isOwnerInDoubt = true
            doubts.forEachWord(Array(association.owner.id.text.utf8).span) { _ in
                if !found.contains(next) { isOwnerInDoubt = false }
                next += 1
            }
            if let doubtOfCart { return sentence(association.cart.text, doubtOfCart.question) }
            // An owner without a single such character cannot be told from what was not understood.
            return isOwnerInDoubt ? sentence("its owner", next == first ? nil : first) : nil
        }

        private func sentence(_ name: String, _ question: Int?) -> String {
            guard let place = question.flatMap({ places[$0] }).map({ PartPlace(number: Int($0)) }), let doubts else {
                return "\(name) may stand in a part of the export that was not understood"
            }
            return "\(name) stands in \(doubts.words(place))"
        }
    }

    /// A part as a sentence names it: `line 7, which was rejected: 3 fields where the header has 4`.
    private func words(_ place: PartPlace) -> String {
        let export = exports.indices.contains(place.export) ? " of \(exports[place.export])" : ""
        let verb = place.isRecord ? "rejected" : "not understood"
        let sentence = sentences[place.number].map { ": \($0)" } ?? ""
        return "line \(place.line)\(export), which was \(verb)\(sentence)"
    }

    private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded(.up))) %" }

    private func forEachWord<E>(_ text: Span<UInt8>, _ visit: (Span<UInt8>) throws(E) -> Void) throws(E) {
        var start: Int?
        for at in 0...text.count {
            if at < text.count && isIdentifier[Int(text[at])] {
                if start == nil { start = at }
            } else if let begin = start {
                try visit(text.extracting(begin..<at))
                start = nil
            }
        }
    }
}

/// Where a part of the exports stands, as one number: the line, the export, and whether it is a rejected record.
private struct PartPlace {
    let number: Int

    init(number: Int) { self.number = number }

    init(_ part: DoubtfulPart) {
        let isRecord: Bool =
            switch part.reason.code {
            case .strayText, .strayElement, .swallowedRecords: false
            default: true
            }
        number = min(part.line, 1 << 42) << 13 | min(part.export, 4095) << 1 | (isRecord ? 1 : 0)
    }

    var line: Int { number >> 13 }
    var export: Int { number >> 1 & 4095 }
    var isRecord: Bool { number & 1 == 1 }
}
