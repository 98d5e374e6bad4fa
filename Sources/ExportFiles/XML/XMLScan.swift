import CartAssociations

/// Follows a document of known shape and collects its records.
///
/// Values are gathered in one piece of memory; records that are complete wait in `finished` until they are judged,
/// because nothing is decided while libxml2 is at work.
struct XMLScan: Sendable {
    /// A record is given up, not kept, beyond this size.
    static let recordLimit = 1 << 20

    /// A record that has ended.
    struct Finished {
        let values: XMLValues
        let line: Int
        /// Where the record lies in the text.
        let start: Int
        let end: Int
        /// The state of the surroundings that the record lies in.
        let surroundings: Int
        let fault: Fault?
    }

    /// Why a record is unusable before its fields are looked at.
    enum Fault {
        case tooLarge
        case contradiction(ExportField)
        /// The name of an element that is no record and names a cart.
        case unexpected(Int)
    }

    /// An element on the way to the records, a record, or an element beside them.
    private struct Scope {
        enum Kind { case path, record, stray }

        let kind: Kind
        let name: Int
        let start: Int
        let line: Int
        /// The values of the elements around it, and its own.
        var values: XMLValues
        var contradiction: ExportField?
        /// The fields that are given inside of it, as bits.
        var own: UInt16 = 0
        /// The fields that its own text and attributes give.
        var direct: UInt16 = 0
    }

    private struct Element {
        let name: Int
        /// The field that the element's text is.
        var field: ExportField?
        var textStart: Int
        let opensScope: Bool
    }

    private let shape: XMLShape
    private(set) var names: XMLNames
    /// The indices of the names in `shape.path`, as they are met.
    private var path: [Int]
    private var elements: [Element] = []
    private var scopes: [Scope] = []

    /// The memory of all values.
    private(set) var memory: [UInt8] = []
    private(set) var finished: [Finished] = []
    /// The path elements around the records.
    private(set) var surroundings = XMLSurroundings()
    /// The text that is being parsed, for finding where a tag begins.
    var window = XMLWindow()

    init(_ shape: XMLShape, _ vocabulary: FieldVocabulary) {
        self.shape = shape
        names = XMLNames(vocabulary)
        path = shape.path.map { _ in -1 }
    }

    /// Where the record begins that is open; nil outside of records, and in one that is too large to keep.
    var openStart: Int? {
        guard let last = scopes.last, last.kind != .path, !isTooLarge(last) else { return nil }
        return last.start
    }

    // MARK: Events

    mutating func name(_ text: String) {
        let index = names.texts.count
        names.append(text)
        for (depth, name) in shape.path.enumerated() where name == text { path[depth] = index }
    }

    mutating func start(_ name: Int, in parser: XMLPushParser) {
        var parent: Int?
        if let last = elements.indices.last {
            // An element with children has no text of its own that could be a value.
            elements[last].field = nil
            parent = elements[last].name
        }
        let isInside = scopes.last.map { $0.kind != .path } ?? false
        elements.append(
            Element(
                name: name, field: names.field(name, in: parent), textStart: memory.count, opensScope: !isInside))
        if !isInside { open(name, parser) }
    }

    private mutating func open(_ name: Int, _ parser: XMLPushParser) {
        let depth = scopes.count
        let kind: Scope.Kind =
            depth >= path.count || path[depth] != name ? .stray : depth + 1 == path.count ? .record : .path
        let position = parser.position
        let tag = window.tag(before: position)
        scopes.append(
            Scope(
                kind: kind, name: name, start: tag.start, line: parser.line - tag.lines,
                values: scopes.last?.values ?? XMLValues(),
                contradiction: scopes.last?.contradiction))
        if kind == .path {
            surroundings.open(window.slice(tag.start, position))
        }
    }

    mutating func attribute(_ name: Int, _ value: Span<UInt8>) {
        guard let last = elements.indices.last, let field = names.field(name, in: elements[last].name) else { return }
        let start = memory.count
        keep(value)
        set(field, XMLSpace.trimmed(start..<memory.count, in: memory.span), isDirect: elements[last].opensScope)
        // An element that has its value as an attribute says something else with its text.
        if field == elements[last].field { elements[last].field = nil }
    }

    mutating func attributesEnded() {
        if let last = elements.indices.last { elements[last].textStart = memory.count }
    }

    mutating func text(_ bytes: Span<UInt8>) {
        guard let last = elements.last, last.field != nil else { return }
        keep(bytes)
    }

    mutating func end(in parser: XMLPushParser) {
        guard let element = elements.popLast() else { return }
        if let field = element.field {
            let text = XMLSpace.trimmed(element.textStart..<memory.count, in: memory.span)
            set(field, text, isDirect: element.opensScope)
        }
        guard element.opensScope, let scope = scopes.popLast() else { return }
        switch scope.kind {
        case .path:
            surroundings.close()
        case .record: finish(scope, end: parser.position, fault: nil)
        case .stray: leave(scope, end: parser.position)
        }
    }

    // MARK: Records

    private mutating func leave(_ stray: Scope, end: Int) {
        if stray.own & Self.bit(.cart) != 0 {
            finish(stray, end: end, fault: .unexpected(stray.name))
            return
        }
        // What an element named after a field says holds for the records that follow beside it.
        guard stray.direct != 0, let parent = scopes.indices.last,
            names.field(stray.name, in: elements.last?.name) != nil
        else { return }
        for field in ExportField.allCases where stray.direct & Self.bit(field) != 0 {
            set(field, stray.values[field].range, isDirect: false)
        }
        if let contradiction = stray.contradiction { scopes[parent].contradiction = contradiction }
        surroundings.extend(window.slice(stray.start, end))
    }

    private mutating func finish(_ scope: Scope, end: Int, fault: Fault?) {
        let isTooLarge = end - scope.start > Self.recordLimit
        finished.append(
            Finished(
                values: scope.values, line: scope.line, start: scope.start, end: end,
                surroundings: surroundings.keep(),
                fault: isTooLarge ? .tooLarge : fault ?? scope.contradiction.map(Fault.contradiction)))
    }

    private mutating func set(_ field: ExportField, _ range: Range<Int>, isDirect: Bool) {
        guard !range.isEmpty, let last = scopes.indices.last else { return }
        let known = scopes[last].values[field]
        if !known.isEmpty, scopes[last].contradiction == nil, !memory[known.range].elementsEqual(memory[range]) {
            scopes[last].contradiction = field
        }
        scopes[last].values[field] = ByteRange(range)
        scopes[last].own |= Self.bit(field)
        if isDirect { scopes[last].direct |= Self.bit(field) }
    }

    private mutating func keep(_ bytes: Span<UInt8>) {
        if let scope = scopes.last, isTooLarge(scope) { return }
        memory.append(bytes)
    }

    private func isTooLarge(_ scope: Scope) -> Bool {
        window.end - scope.start > Self.recordLimit + (1 << 17)
    }

    private static func bit(_ field: ExportField) -> UInt16 {
        switch field {
        case .cart: 1
        case .customer: 2
        case .account: 4
        case .owner: 8
        case .ownerType: 16
        case .action: 32
        case .cartName: 64
        case .cartDescription: 128
        case .customerToken: 256
        case .accountToken: 512
        }
    }

    /// Forgets the finished records, and all values that no open element has.
    mutating func clear() {
        finished.removeAll(keepingCapacity: true)
        surroundings.clear()
        let old = memory
        memory.removeAll(keepingCapacity: true)
        for scope in scopes.indices {
            for field in ExportField.allCases {
                let range = scopes[scope].values[field]
                guard !range.isEmpty else { continue }
                scopes[scope].values[field] = ByteRange(memory.count..<memory.count + Int(range.count))
                memory += old[range.range]
            }
        }
        guard let last = elements.indices.last else { return }
        let text = elements[last].field == nil ? [] : old[elements[last].textStart...]
        elements[last].textStart = memory.count
        memory += text
    }
}
