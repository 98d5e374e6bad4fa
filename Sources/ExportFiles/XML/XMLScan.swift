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
        fileprivate(set) var values: XMLValues
        let line: Int
        /// Where the record lies in the text.
        let start: Int
        let end: Int
        /// The state of the surroundings that the record lies in.
        fileprivate(set) var surroundings: Int
        fileprivate(set) var fault: Fault?
    }

    /// Something beside the records.
    struct Stray {
        /// The name of an element; nil for text.
        let name: Int?
        let line: Int
        /// Where an element lies in the text.
        let range: Range<Int>
        /// The text, if it is no element.
        let text: [UInt8]
        /// Whether it may be a part of the envelope, as a header or a summary is: nothing in it looks like a record.
        let mayBeEnvelope: Bool
        /// How many records of `finished` come before it.
        let position: Int
    }

    /// Why a record is unusable before its fields are looked at.
    enum Fault {
        case tooLarge
        case contradiction(ExportField)
        /// A field's element has both text and elements in it.
        case mixed(ExportField)
        /// The name of an element that is no record and names a cart.
        case unexpected(Int)
    }

    /// A record, or an element outside of records.
    private struct Scope {
        enum Kind { case around, record }

        let kind: Kind
        let name: Int
        let start: Int
        let line: Int
        /// Its place in the outline; nil if it was not seen around records before.
        var outline: Int?
        /// Whether it is about some records only, and not about the file.
        var isGroup = false
        /// Whether records are in it, or directly in it.
        var hasRecords = false
        var isList = false
        /// The values of the elements around it, and its own.
        var values: XMLValues
        var contradiction: ExportField?
        var mixed: ExportField?
        /// Whether an element of the records' name is in it that is no record.
        var holdsRecordName = false
        /// The fields that are given inside of it, as bits.
        var own: UInt16 = 0
        /// The fields that its own text and attributes give.
        var direct: UInt16 = 0
        /// The fields that only an `id` gives.
        var details: UInt16 = 0
        /// How many carts are named in it, outside of records.
        var carts = 0
        /// The same for names of another namespace than the record's, and whether an owner is among them.
        var foreignCarts = 0
        var hasForeignOwner = false
    }

    private struct Element {
        let name: Int
        /// The field that the element's text is.
        var field: ExportField?
        /// The field that its text would be if it had no elements in it.
        var lostField: ExportField?
        var textStart: Int
        let opensScope: Bool
    }

    private let shape: XMLShape
    private(set) var names: XMLNames
    /// The same names, as if all namespaces were one.
    private var anyNames: XMLNames
    /// Whether each name is that of a record's element.
    private var isRecordName: [Bool] = []
    /// The elements of the outline that have each name.
    private var outlined: [[Int]] = []
    private var elements: [Element] = []
    private var scopes: [Scope] = []
    /// The values of the outermost element that is open and was not seen around records before.
    private var strayValues = XMLValues()
    /// How many carts were named outside of records.
    private var strayCarts = 0
    /// Why the document as a whole cannot be used after all.
    private(set) var problem: XMLProblem?

    /// The memory of all values.
    private(set) var memory: [UInt8] = []
    private(set) var finished: [Finished] = []
    private(set) var strays: [Stray] = []
    /// Records of `finished` that lack what an element around them may still say, and the fields that they lack.
    private var waiting: [(record: Int, fields: [ExportField])] = []
    /// The names of records and of the elements around them.
    private let recordTags: Set<String>
    /// A tag in CDATA that has no end yet.
    private var hiddenTail: [UInt8] = []
    /// Text between the records that has no end yet.
    private var loose: [UInt8] = []
    /// The path elements around the records.
    private(set) var surroundings = XMLSurroundings()
    /// The text that is being parsed, for finding where a tag begins.
    var window = XMLWindow()

    init(_ shape: XMLShape, _ vocabulary: FieldVocabulary) {
        self.shape = shape
        names = XMLNames(vocabulary, in: shape.namespaces)
        anyNames = XMLNames(vocabulary)
        recordTags = Set(shape.path + shape.outline.elements.map(\.name))
    }

    /// Where the record begins that is open; nil outside of records, and in one that is too large to keep.
    var openStart: Int? {
        guard let scope = scopes.first(where: { $0.kind == .record || $0.outline == nil && !$0.hasRecords }),
            !isTooLarge(scope)
        else { return nil }
        return scope.start
    }

    /// Whether records wait for what stands behind them: they are not to be judged, nor cleared.
    var isWaiting: Bool {
        guard let first = waiting.first else { return false }
        return window.end - finished[first.record].start <= Self.recordLimit
    }

    // MARK: Events

    mutating func name(_ text: String, in namespace: String) {
        names.append(text, in: namespace)
        anyNames.append(text, in: namespace)
        isRecordName.append(
            namespace == shape.namespaces.record && FieldVocabulary.plain(text) == shape.record.plain)
        outlined.append(shape.outline.elements.indices.filter { shape.outline.elements[$0].name == text })
    }

    mutating func start(_ name: Int, in parser: XMLPushParser) {
        endLooseText(line: parser.line)
        let isInside = scopes.last.map { $0.kind == .record } ?? false
        var parent: Int?
        if let last = elements.indices.last {
            // An element with children has no text of its own that could be a value.
            if isInside, let field = elements[last].field {
                if !isBlank(memory.span.extracting(elements[last].textStart..<memory.count)) {
                    scopes[scopes.count - 1].mixed = field
                }
                elements[last].lostField = field
            }
            elements[last].field = nil
            parent = elements[last].name
        }
        let field = names.field(name, in: parent)
        if field == .action { noticeAction(isInside: isInside, parser) }
        elements.append(Element(name: name, field: field, textStart: memory.count, opensScope: !isInside))
        if !isInside {
            open(name, parser)
            if field == nil { noticeForeign(name, in: parent) }
        }
    }

    private mutating func open(_ name: Int, _ parser: XMLPushParser) {
        let position = parser.position
        let tag = window.tag(before: position)
        let line = parser.line - tag.lines
        let around = scopes.indices.last
        let outline = outline(of: name)
        let isRecord = isRecordName[name] && outline == nil && isInPlace
        var scope = Scope(
            kind: isRecord ? .record : .around, name: name, start: tag.start, line: line,
            outline: isRecord ? nil : outline, values: around.map { scopes[$0].values } ?? XMLValues(),
            contradiction: around.flatMap { scopes[$0].contradiction })
        if isRecord {
            if let around { markRecords(in: around, before: tag.start, line) }
        } else {
            scope.isGroup =
                outline.map { shape.outline.elements[$0].isGroup } ?? around.map { scopes[$0].isGroup } ?? false
            scope.isList = outline.map { shape.outline.elements[$0].holdsRecords } ?? false
            if outline == nil, around.map({ isSeen(scopes[$0]) }) ?? true { strayValues = scope.values }
            if isRecordName[name] {
                scope.holdsRecordName = true
                for index in scopes.indices { scopes[index].holdsRecordName = true }
            }
            surroundings.open(window.slice(tag.start, position))
        }
        scopes.append(scope)
    }

    /// The place in the outline of an element that begins; nil if it was not seen around records.
    private func outline(of name: Int) -> Int? {
        guard !outlined[name].isEmpty else { return nil }
        var parent: Int?
        if let around = scopes.last {
            guard around.outline != nil else { return nil }
            parent = around.outline
        }
        return outlined[name].first { shape.outline.elements[$0].parent == parent }
    }

    /// Whether the elements around the present one are those that a chosen record lies in.
    private var isInPlace: Bool {
        let wanted = shape.record.around
        guard !wanted.isEmpty else { return true }
        let around = elements.dropLast().suffix(wanted.count)
        return around.count == wanted.count
            && zip(around, wanted).allSatisfy { FieldVocabulary.plain(names.texts[$0.name]) == $1 }
    }

    /// Takes the elements around a record for such, also those that were not seen before.
    private mutating func markRecords(in around: Int, before start: Int, _ line: Int) {
        scopes[around].isList = true
        noteBeginning(around, before: start)
        var index = around
        while index >= 0, !scopes[index].hasRecords {
            let scope = scopes[index]
            scopes[index].hasRecords = true
            index -= 1
            guard scope.outline == nil, scope.carts > 0 else { continue }
            // It named a cart while it seemed to be no element around records.
            if shape.record.isChosen {
                finish(scope, end: start, fault: .unexpected(scope.name))
            } else {
                notice(kind: scope.name, line)
            }
        }
    }

    private func isSeen(_ scope: Scope) -> Bool { scope.outline != nil || scope.hasRecords }

    /// Notes what stood in an element before its first record, if nobody knew that it would hold records.
    private mutating func noteBeginning(_ around: Int, before start: Int) {
        guard let first = scopes[...around].firstIndex(where: { !isSeen($0) }), scopes[first].start < start else {
            return
        }
        strays.append(
            Stray(
                name: scopes[first].name, line: scopes[first].line, range: scopes[first].start..<start, text: [],
                mayBeEnvelope: false, position: finished.count))
    }

    /// Notes an element that is no record, holds none and says nothing that holds for records.
    private mutating func noteStray(_ scope: Scope, in around: Int, end: Int) {
        if shape.record.isChosen && !scope.holdsRecordName { return }
        let isUnlikeRecords = scope.own == 0 && scope.foreignCarts == 0 && !scope.holdsRecordName
        // What is told of an owner or a cart beside its records, as its name, is as well understood as in a record; a
        // name met once may be that of a record which was damaged.
        let isDetail = scopes[around].isGroup || scopes[around].own != 0
        if isUnlikeRecords, isDetail, shape.frequent.contains(names.texts[scope.name]) { return }
        strays.append(
            Stray(
                name: scope.name, line: scope.line, range: scope.start..<end, text: [],
                mayBeEnvelope: isUnlikeRecords && !isDetail, position: finished.count))
    }

    mutating func attribute(_ name: Int, _ value: Span<UInt8>, in parser: XMLPushParser) {
        guard let last = elements.indices.last else { return }
        let isDirect = elements[last].opensScope
        guard let field = names.field(name, in: elements[last].name) else {
            if isDirect, scopes.last?.kind == .around { noticeForeign(name, in: elements[last].name) }
            return
        }
        if field == .action { noticeAction(isInside: scopes.last?.kind == .record, parser) }
        let start = memory.count
        keep(value)
        let kept = XMLSpace.trimmed(start..<memory.count, in: memory.span)
        set(field, kept, isDirect: isDirect, isDetail: isDirect && names.isDetail(name))
        if field == .cart, !kept.isEmpty { countCart() }
        // An element that has its value as an attribute says something else with its text.
        if field == elements[last].field { elements[last].field = nil }
    }

    mutating func attributesEnded() {
        if let last = elements.indices.last { elements[last].textStart = memory.count }
    }

    mutating func text(_ bytes: Span<UInt8>) {
        guard let last = elements.last, let scope = scopes.last else { return }
        if last.field != nil {
            keep(bytes)
        } else if let field = last.lostField, scope.kind == .record, !isBlank(bytes) {
            scopes[scopes.count - 1].mixed = field
        }
        if scope.kind == .around, isSeen(scope), !loose.isEmpty || !isBlank(bytes) { loose.append(bytes) }
    }

    /// Looks for tags of records, and of elements around them, where none is read: in CDATA whose end is missing, or in an
    /// instruction. The document is refused then: what is lost may be anything.
    mutating func hidden(_ bytes: Span<UInt8>, in parser: XMLPushParser) {
        guard problem == nil else { return }
        hiddenTail.append(bytes)
        var rest = hiddenTail[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[(open + 1)...]
            let name = rest.drop { $0 == UInt8(ascii: "/") }.prefix { Self.isInName($0) }
            // The name may go on in the next piece.
            guard name.endIndex < rest.endIndex else {
                hiddenTail = Array(hiddenTail[open...].prefix(Self.longestTagName))
                return
            }
            let local = String(decoding: name, as: UTF8.self).split(separator: ":").last ?? ""
            guard recordTags.contains(String(local)) else { continue }
            problem = XMLProblem(
                fault: .malformed, line: parser.line,
                problem: "the tag of \(local) stands in CDATA or in an instruction, whose end may be missing before it",
                advice: "have the export written again: which records it lost cannot be told")
            return
        }
        hiddenTail.removeAll(keepingCapacity: true)
    }

    private static let longestTagName = 1 << 10

    private static func isInName(_ byte: UInt8) -> Bool {
        !XMLSpace.contains(byte) && ![UInt8(ascii: ">"), UInt8(ascii: "/"), UInt8(ascii: "<")].contains(byte)
    }

    private func isBlank(_ bytes: Span<UInt8>) -> Bool {
        bytes.indices.allSatisfy { XMLSpace.contains(bytes[$0]) }
    }

    /// Ends the text between the records at a tag on this line.
    private mutating func endLooseText(line: Int) {
        guard !loose.isEmpty else { return }
        strays.append(
            Stray(name: nil, line: line, range: 0..<0, text: loose, mayBeEnvelope: false, position: finished.count))
        loose.removeAll(keepingCapacity: true)
    }

    mutating func end(in parser: XMLPushParser) {
        endLooseText(line: parser.line)
        guard let element = elements.popLast() else { return }
        if let field = element.field {
            let text = XMLSpace.trimmed(element.textStart..<memory.count, in: memory.span)
            let isOfScope = elements.last?.opensScope ?? false
            set(
                field, text, isDirect: element.opensScope,
                isDetail: isOfScope && !element.opensScope && names.isDetail(element.name))
            if field == .cart, !text.isEmpty { countCart() }
        }
        guard element.opensScope, let scope = scopes.popLast() else { return }
        switch scope.kind {
        case .around: leave(scope, end: parser.position)
        case .record:
            noticeInheritedAction(scope)
            finish(scope, end: parser.position, fault: nil)
        }
    }

    // MARK: Records

    private mutating func leave(_ scope: Scope, end: Int) {
        if !waiting.isEmpty { giveLateValues(of: scope) }
        surroundings.close()
        guard !scope.hasRecords, let around = scopes.indices.last else { return }
        let field = names.field(scope.name, in: elements.last?.name)
        if isSeen(scopes[around]) {
            let isInherited = field == .cart && shape.isInherited(.cart)
            if namesAssociation(scope), !isInherited {
                if !shape.record.isChosen || scopes[around].isList { finishStray(scope, end: end) }
                return
            }
        } else {
            scopes[around].own |= scope.own
            scopes[around].carts += scope.carts
            scopes[around].foreignCarts += scope.foreignCarts
            if scope.hasForeignOwner { scopes[around].hasForeignOwner = true }
        }
        // What an element named after a field says holds for the records that follow beside it.
        let isField = scope.direct != 0 && field != nil
        if scope.outline == nil, isSeen(scopes[around]), !isField || scope.own != scope.direct || scope.holdsRecordName
        {
            noteStray(scope, in: around, end: end)
        }
        guard scope.outline == nil, isField, let field else { return }
        for given in ExportField.allCases where scope.direct & Self.bit(given) != 0 {
            let isDetail = given == field && names.isDetail(scope.name)
            set(given, scope.values[given].range, isDirect: false, isDetail: isDetail, line: scope.line)
        }
        // Whether what it gives itself contradicts the elements around it was decided just now.
        if let contradiction = scope.contradiction, scope.direct & Self.bit(contradiction) == 0 {
            scopes[around].contradiction = contradiction
        }
        surroundings.extend(window.slice(scope.start, end))
    }

    /// Gives records the values that stood behind them, in an element around them that ends.
    private mutating func giveLateValues(of scope: Scope) {
        var state: Int?
        for index in waiting.indices where finished[waiting[index].record].start >= scope.start {
            let record = waiting[index].record
            for field in waiting[index].fields where scope.own & Self.bit(field) != 0 {
                finished[record].values[field] = scope.values[field]
                if scope.contradiction == field {
                    finished[record].fault = finished[record].fault ?? .contradiction(field)
                }
                // With what was said behind the record, in the place of what stood around it before.
                let late = state ?? surroundings.keep()
                state = late
                finished[record].surroundings = late
            }
            waiting[index].fields.removeAll {
                scope.own & Self.bit($0) != 0 || shape.carriers[$0] == names.texts[scope.name]
            }
        }
        waiting.removeAll { $0.fields.isEmpty }
    }

    /// Whether an element without records says what only a record should.
    private func namesAssociation(_ scope: Scope) -> Bool {
        if scope.outline == nil, scope.foreignCarts > 0, scope.hasForeignOwner { return true }
        guard scope.own & Self.bit(.cart) != 0 else { return false }
        // A cart without owners, where these are the records, is none.
        return scope.outline == nil || scope.own & Self.ownerBits != 0
    }

    private mutating func finishStray(_ scope: Scope, end: Int) {
        strayCarts += max(1, scope.carts + scope.foreignCarts)
        if strayCarts > 1, !shape.record.isChosen { notice(kind: scope.name, scope.line) }
        var scope = scope
        if scope.outline == nil { scope.values = strayValues }
        finish(scope, end: end, fault: .unexpected(scope.name))
    }

    /// What to do about records of several kinds.
    static let kindsAdvice =
        "name the element that is a record with --xml-record or the setting mapping.xml.record, or export each kind "
        + "in a file of its own"

    private mutating func notice(kind name: Int, _ line: Int) {
        let record = shape.path.joined(separator: "/")
        problem =
            problem
            ?? XMLProblem(
                fault: .severalKinds, line: line,
                problem: "elements of several kinds name a cart: \(record), and here \(names.texts[name])",
                advice: Self.kindsAdvice)
    }

    /// Remembers carts and owners outside of records that are in another namespace than a record's.
    private mutating func noticeForeign(_ name: Int, in parent: Int?) {
        guard let last = scopes.indices.last, scopes[last].outline == nil,
            let field = anyNames.field(name, in: parent)
        else { return }
        switch field {
        case .cart: scopes[last].foreignCarts += 1
        case _ where ExportField.owners.contains(field): scopes[last].hasForeignOwner = true
        default: break
        }
    }

    /// Notices an action, empty or not, if there should be none.
    private mutating func noticeAction(isInside: Bool, _ parser: XMLPushParser) {
        guard !shape.hasAction, problem == nil, isInside || scopes.last?.isGroup ?? false else { return }
        problem = Self.lateAction(parser.line)
    }

    /// Notices an action that a record has from the elements around it.
    private mutating func noticeInheritedAction(_ record: Scope) {
        guard !shape.hasAction, problem == nil, !record.values.fields.action.isEmpty else { return }
        problem = Self.lateAction(record.line)
    }

    private static func lateAction(_ line: Int) -> XMLProblem {
        XMLProblem(
            fault: .header, line: line,
            problem:
                "this record has an action, and none at the beginning of the document has one, so that it was taken "
                + "for a snapshot",
            advice: "if the export says what to do with each record, set export.kind to delta; else have it written "
                + "without actions")
    }

    /// The fields that say which association a record is.
    private static let identifying = [.cart, .ownerType] + ExportField.owners

    /// What the elements around a record may still say of it.
    private func fieldsToCome(_ values: XMLValues) -> [ExportField] {
        guard !shape.carriers.isEmpty else { return [] }
        return Self.identifying.filter { field in
            guard values[field].isEmpty, let carrier = shape.carriers[field] else { return false }
            return scopes.contains { names.texts[$0.name] == carrier }
        }
    }

    private mutating func finish(_ scope: Scope, end: Int, fault: Fault?) {
        if scope.kind == .record {
            let missing = fieldsToCome(scope.values)
            if !missing.isEmpty { waiting.append((finished.count, missing)) }
        }
        let isTooLarge = end - scope.start > Self.recordLimit
        finished.append(
            Finished(
                values: scope.values, line: scope.line, start: scope.start, end: end,
                surroundings: surroundings.keep(),
                fault: isTooLarge
                    ? .tooLarge
                    : fault ?? scope.contradiction.map(Fault.contradiction) ?? scope.mixed.map(Fault.mixed)))
    }

    private mutating func set(
        _ field: ExportField, _ range: Range<Int>, isDirect: Bool, isDetail: Bool, line: Int? = nil
    ) {
        guard !range.isEmpty, let last = scopes.indices.last else { return }
        let isRecord = scopes[last].kind == .record
        // A word about the file is no action.
        if field == .action, !isRecord, !scopes[last].isGroup,
            shape.words.kind(memory.span.extracting(range)) == nil
        {
            return
        }
        let bit = Self.bit(field)
        let known = scopes[last].values[field]
        if !known.isEmpty, !memory[known.range].elementsEqual(memory[range]) {
            let isOwn = scopes[last].own & bit != 0
            let wasDetail = scopes[last].details & bit != 0
            // An `id` beside the cart's or owner's own name is a row's key.
            if isOwn, isDetail, !wasDetail { return }
            if isOwn, wasDetail, !isDetail {
                if scopes[last].hasRecords { noticeLateValue(field, line ?? scopes[last].line) }
            } else if scopes[last].contradiction == nil {
                scopes[last].contradiction = field
            }
        }
        scopes[last].values[field] = ByteRange(range)
        scopes[last].own |= bit
        if isDetail { scopes[last].details |= bit } else { scopes[last].details &= ~bit }
        if isDirect { scopes[last].direct |= bit }
        if !isRecord, scopes[last].outline == nil { strayValues[field] = ByteRange(range) }
    }

    private mutating func countCart() {
        if let last = scopes.indices.last, scopes[last].kind == .around { scopes[last].carts += 1 }
    }

    /// Notices that records were read with an `id` that turns out to be a row's key.
    private mutating func noticeLateValue(_ field: ExportField, _ line: Int) {
        problem =
            problem
            ?? XMLProblem(
                fault: .severalKinds, line: line,
                problem: "the \(field.words) of the records in this element stands behind them, and its id before them "
                    + "is another",
                advice: "have the \(field.words) written before its records, or name its element in the setting "
                    + "mapping.\(field.rawValue)")
    }

    private mutating func keep(_ bytes: Span<UInt8>) {
        if let scope = scopes.last, isTooLarge(scope) { return }
        memory.append(bytes)
    }

    private func isTooLarge(_ scope: Scope) -> Bool {
        window.end - scope.start > Self.recordLimit + (1 << 17)
    }

    private static let ownerBits = ExportField.owners.reduce(0) { $0 | bit($1) }

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
        case .customerEmail: 1024
        case .customerRef: 2048
        case .accountRef: 4096
        case .accountRegistrationID: 8192
        case .memberEmail: 16384
        case .legacyCart: 32768
        }
    }

    /// Forgets the finished records, and all values that no open element has.
    mutating func clear() {
        waiting.removeAll(keepingCapacity: true)
        finished.removeAll(keepingCapacity: true)
        strays.removeAll(keepingCapacity: true)
        surroundings.clear()
        let old = memory
        memory.removeAll(keepingCapacity: true)
        func kept(_ values: XMLValues) -> XMLValues {
            var values = values
            for field in ExportField.allCases where !values[field].isEmpty {
                let range = values[field].range
                values[field] = ByteRange(memory.count..<memory.count + range.count)
                memory += old[range]
            }
            return values
        }
        for scope in scopes.indices { scopes[scope].values = kept(scopes[scope].values) }
        strayValues = kept(strayValues)
        guard let last = elements.indices.last else { return }
        let text = elements[last].field == nil ? [] : old[elements[last].textStart...]
        elements[last].textStart = memory.count
        memory += text
    }
}
