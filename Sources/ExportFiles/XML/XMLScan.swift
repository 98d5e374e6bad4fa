import CartAssociations

/// Follows a document of known shape and collects its records.
///
/// Values are gathered in one piece of memory; records that are complete wait in `finished` until they are taken,
/// so that nothing is decided while libxml2 is at work.
final class XMLScan: XMLEvents {
    /// A record is given up, not kept, beyond this size.
    static let recordLimit = 1 << 20

    /// A record that has ended.
    struct Finished {
        let values: XMLValues
        let line: Int
        /// Where the record lies in the text.
        let start: Int
        let end: Int
        /// Start tags, and what stood before the record, of the elements around it.
        let around: [[UInt8]]
        let fault: RejectReason?
    }

    /// An element on the way to the records, or the record itself.
    private struct Scope {
        let name: Int
        /// Its values: those of the elements around it, and its own.
        var values: XMLValues
        /// The fields that are given inside of it, as bits.
        var own: UInt16 = 0
        /// The fields that its own text and attributes give.
        var direct: UInt16 = 0
        var contradiction: ExportField?
        /// Its start tag, and what stood in it before its records and gave them values.
        var opening: [UInt8] = []
        var start = 0
        var line = 0
        let kind: Kind

        enum Kind { case path, record, stray }
    }

    private struct Element {
        let name: Int
        /// The field that the element's text is.
        var field: ExportField?
        var textStart = 0
        let opensScope: Bool
    }

    private let shape: XMLShape
    private var names: XMLNames
    /// The indices of the names in `shape.path`, as they are met.
    private var path: [Int]
    private var elements: [Element] = []
    private var scopes: [Scope] = []
    /// How many scopes lie on the way to the records, the record's own counted.
    private var depthOnPath = 0

    /// The memory of all values.
    private(set) var memory: [UInt8] = []
    private(set) var finished: [Finished] = []
    /// The text that is being parsed, for finding where a tag begins.
    var window = XMLWindow()

    init(_ shape: XMLShape, _ vocabulary: FieldVocabulary) {
        self.shape = shape
        names = XMLNames(vocabulary)
        path = shape.path.map { _ in -1 }
    }

    /// Where the earliest record that is open begins; nil outside of records.
    var openStart: Int? {
        guard let last = scopes.last, last.kind != .path, !isTooLarge(last) else { return nil }
        return last.start
    }

    // MARK: Events

    func name(_ text: String) {
        let index = names.all.count
        names.append(text)
        for (depth, name) in shape.path.enumerated() where name == text { path[depth] = index }
    }

    func start(_ name: Int, position: Int, line: Int) {
        // An element with children has no text of its own that could be a value.
        if let last = elements.indices.last { elements[last].field = nil }
        let parent = elements.last?.name
        let isInside = scopes.last.map { $0.kind != .path } ?? false
        let isOnPath =
            !isInside && elements.count == depthOnPath && depthOnPath < path.count && path[depthOnPath] == name
        let opensScope = !isInside
        elements.append(
            Element(
                name: name, field: names.field(name, in: parent), textStart: memory.count, opensScope: opensScope))
        guard opensScope else { return }
        let start = window.tagStart(before: position)
        let tag = window.slice(start, position)
        var scope = Scope(
            name: name, values: scopes.last?.values ?? XMLValues(),
            kind: isOnPath
                ? (depthOnPath + 1 == path.count ? .record : .path) : .stray)
        scope.start = start
        scope.line = line - tag.count { $0 == 0x0A }
        scope.contradiction = scopes.last?.contradiction
        if isOnPath {
            depthOnPath += 1
            if scope.kind == .path { scope.opening = tag + [UInt8(ascii: ">")] }
        }
        scopes.append(scope)
    }

    func attribute(_ name: Int, _ value: Span<UInt8>) {
        guard let last = elements.indices.last, let field = names.field(name, in: elements[last].name) else { return }
        let start = memory.count
        keep(value)
        set(field, XMLSpace.trimmed(start..<memory.count, in: memory.span), isDirect: elements[last].opensScope)
        // An element that has its value as an attribute says something else with its text.
        if field == elements[last].field { elements[last].field = nil }
    }

    func attributesEnded() {
        if let last = elements.indices.last { elements[last].textStart = memory.count }
    }

    func text(_ bytes: Span<UInt8>) {
        guard let last = elements.last, last.field != nil else { return }
        keep(bytes)
    }

    func end(position: Int) {
        guard let element = elements.popLast() else { return }
        if let field = element.field {
            let text = XMLSpace.trimmed(element.textStart..<memory.count, in: memory.span)
            set(field, text, isDirect: element.opensScope)
        }
        guard element.opensScope, let scope = scopes.popLast() else { return }
        switch scope.kind {
        case .path:
            depthOnPath -= 1
        case .record:
            depthOnPath -= 1
            finish(scope, end: position, fault: nil)
        case .stray:
            leave(scope, end: position)
        }
    }

    // MARK: Records

    private func leave(_ stray: Scope, end: Int) {
        if stray.own & Self.bit(.cart) != 0 {
            finish(
                stray, end: end,
                fault: RejectReason(
                    .unexpectedElement,
                    "the element \(names[stray.name].text) names a cart, where records are \(shape.path.joined(separator: "/"))"
                ))
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
        if scopes[parent].opening.count < 1 << 16 { scopes[parent].opening += window.slice(stray.start, end) }
    }

    private func finish(_ scope: Scope, end: Int, fault: RejectReason?) {
        var fault = fault
        if end - scope.start > Self.recordLimit {
            fault = RejectReason(.tooLarge, "the record is longer than \(Self.recordLimit) bytes")
        } else if let field = scope.contradiction {
            fault = fault ?? RejectReason(.contradiction, "two different values for the \(field.words)")
        }
        finished.append(
            Finished(
                values: scope.values, line: scope.line, start: scope.start, end: end,
                around: scopes.map(\.opening), fault: fault))
    }

    private func set(_ field: ExportField, _ range: Range<Int>, isDirect: Bool) {
        guard !range.isEmpty, let last = scopes.indices.last else { return }
        let known = scopes[last].values[field]
        if !known.isEmpty, !memory[known.range].elementsEqual(memory[range]) {
            scopes[last].contradiction = scopes[last].contradiction ?? field
        }
        scopes[last].values[field] = ByteRange(range)
        scopes[last].own |= Self.bit(field)
        if isDirect { scopes[last].direct |= Self.bit(field) }
    }

    private func keep(_ bytes: Span<UInt8>) {
        if let scope = scopes.last, isTooLarge(scope) { return }
        for index in bytes.indices { memory.append(bytes[index]) }
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
    func clear() {
        finished.removeAll(keepingCapacity: true)
        let old = memory
        memory.removeAll(keepingCapacity: true)
        for scope in scopes.indices {
            for field in ExportField.allCases {
                scopes[scope].values[field] = move(scopes[scope].values[field], from: old)
            }
        }
        guard let last = elements.indices.last, elements[last].field != nil else { return }
        let text = old[elements[last].textStart...]
        elements[last].textStart = memory.count
        memory += text
    }

    private func move(_ range: ByteRange, from old: [UInt8]) -> ByteRange {
        guard !range.isEmpty else { return range }
        let start = memory.count
        memory += old[range.range]
        return ByteRange(start..<memory.count)
    }
}
