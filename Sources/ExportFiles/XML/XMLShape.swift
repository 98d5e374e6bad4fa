import CartAssociations

/// Which elements of a document are records.
struct XMLShape: Sendable, Equatable {
    /// The names from the root to the record's element; of several sections, to that with the most records.
    let path: [String]
    let record: XMLRecordName
    /// The elements around records that were seen.
    let outline: XMLOutline
    let namespaces: XMLFieldNamespaces
    /// The fields that records have from the elements around them, and the name of the element of each.
    let carriers: [ExportField: String]
    /// The names of elements that were met several times.
    let frequent: Set<String>
    let owners: OwnerFields
    /// Whether carts may have any characters.
    let encodesCarts: Bool
    /// What the records are: a delta if they have an action.
    let kind: ExportKind
    let words: ActionWords
    /// The element or attribute that each field was found in.
    let mapping: [ExportField: String]
    /// The start tag of the root, without its `>`.
    let root: [UInt8]

    var hasAction: Bool { kind == .delta }

    func isInherited(_ field: ExportField) -> Bool { carriers[field] != nil }

    /// Why that element is a record, in a part of a sentence.
    var reason: String {
        func named(_ field: ExportField) -> String { "the \(field.words) (\(mapping[field] ?? ""))" }
        let fields = ([.cart] + owners.fields.filter { $0 != .ownerType }).filter { mapping[$0] != nil }
        // A text that is in an element of its own is the record itself.
        let itself = fields.filter { mapping[$0] == path.last }
        let others = fields.filter { !itself.contains($0) }
        let parts = [
            ("it is ", itself), ("it has ", others.filter { !isInherited($0) }),
            ("an element around it has ", others.filter(isInherited)),
        ]
        let has = parts.filter { !$0.1.isEmpty }.map { $0 + $1.map(named).joined(separator: " and ") }
            .joined(separator: ", and ")
        return record.isChosen ? "as mapping.xml.record says; \(has)" : "because \(has)"
    }
}

/// The name by which a record's element is known, wherever in the document it is.
struct XMLRecordName: Sendable, Equatable {
    /// The element's name as it is compared.
    let plain: String
    /// The names of the elements that it must lie in, innermost last.
    let around: [String]
    /// Whether a person chose it: then elements of other names are no records, and nothing need be said about them.
    let isChosen: Bool

    /// Takes a name, or the last names of a path, as `carts/cart`.
    init(_ path: String, isChosen: Bool) {
        let names = path.split(separator: "/").map { FieldVocabulary.plain(String($0)) }
        plain = names.last ?? ""
        around = Array(names.dropLast())
        self.isChosen = isChosen
    }

    func matches(_ path: some BidirectionalCollection<String>) -> Bool {
        guard let last = path.last, FieldVocabulary.plain(last) == plain else { return false }
        let others = path.dropLast().suffix(around.count)
        return others.count == around.count && zip(others, around).allSatisfy { FieldVocabulary.plain($0) == $1 }
    }
}

/// The elements around the records of a document, as far as they were seen.
struct XMLOutline: Sendable, Equatable {
    struct Element: Sendable, Equatable {
        let name: String
        /// Its position among the elements; nil for the root.
        let parent: Int?
        /// Whether records are its children.
        var holdsRecords = false
        /// Whether it, or an element around it, was met several times in one place, so that it is about some records only.
        var isGroup = false
    }

    private(set) var elements: [Element] = []

    /// More elements are not remembered, and are met as if they had not been seen.
    private static let limit = 256

    /// Adds the elements around a record, from the root inwards, each with whether it was repeated.
    mutating func add(_ path: [(name: String, isRepeated: Bool)]) {
        var parent: Int?
        for element in path {
            let isGroup = element.isRepeated || (parent.map { elements[$0].isGroup } ?? false)
            let known = elements.firstIndex { $0.parent == parent && $0.name == element.name }
            if known == nil {
                guard elements.count < Self.limit else { return }
                elements.append(Element(name: element.name, parent: parent))
            }
            let index = known ?? elements.count - 1
            if isGroup { elements[index].isGroup = true }
            parent = index
        }
        if let parent { elements[parent].holdsRecords = true }
    }
}

/// Why no shape of a document is taken for granted.
struct XMLProblem: Error {
    let fault: ExportError.Fault
    var line: Int?
    let problem: String
    let advice: String
}

/// Looks at the beginning of a document until it shows which element is one record.
///
/// If the owner's element is around the cart's, the cart's element is the record and inherits its owner, and the
/// other way round; else the record is the smallest element around both. Elements of that name are records everywhere,
/// whatever section they are in.
final class XMLSurvey: XMLEvents {
    /// A place where a field's value is found.
    private struct Source: Hashable {
        let field: ExportField
        /// The element that the value describes.
        let carrier: [Int]
        /// The element whose text the value is; nil for an attribute.
        let text: [Int]?
        let name: Int

        /// The element that one would name.
        var element: [Int] { text ?? carrier }
    }

    /// How often something was met, and where first.
    private struct Tally {
        var count = 0
        let line: Int
    }

    private struct Element {
        let name: Int
        var hasChildren = false
        var hasText = false
        var children: Set<Int> = []
        /// The fields that it has been found to have.
        var fields: Set<ExportField> = []
        /// The text of an action's element, as far as it can be a word.
        var word: [UInt8]?
    }

    private var names: XMLNames
    private var stack: [Element] = []
    private var sources: [Source: Tally] = [:]
    /// How many elements have a field, in whatever form.
    private var carriers: [ExportField: [[Int]: Int]] = [:]
    private var paths: [[Int]: Int] = [:]
    /// Elements that were found more than once in one element.
    private var repeated: Set<[Int]> = []
    /// The elements that have an action, empty or not, and whether any was a word that is known.
    private var actions: [[Int]: Bool] = [:]
    private var actionName: String?
    private var line = 1
    /// Different places beyond this number are not told apart; an export has a handful.
    private static let placeLimit = 10_000
    private let options: ReadingOptions
    private let vocabulary: FieldVocabulary
    private let words: ActionWords

    init(_ options: ReadingOptions) {
        words = ActionWords(options.actions)
        self.options = options
        vocabulary = FieldVocabulary(options)
        names = XMLNames(vocabulary)
    }

    // MARK: Events

    func name(_ text: String, in namespace: String) { names.append(text, in: namespace) }

    func start(_ name: Int, in parser: XMLPushParser) {
        line = parser.line
        let isAction = names.fields[name] == .action && stack.last.map { isOwn(name, in: $0.name) } ?? false
        if isAction { noteAction(name, path, isKnown: false) }
        stack.append(Element(name: name, word: isAction ? [] : nil))
        let path = path
        if paths.count < Self.placeLimit { paths[path, default: 0] += 1 }
        guard stack.count > 1 else { return }
        let parent = stack.count - 2
        stack[parent].hasChildren = true
        if !stack[parent].children.insert(name).inserted, repeated.count < Self.placeLimit { repeated.insert(path) }
    }

    func attribute(_ name: Int, _ value: Span<UInt8>, in parser: XMLPushParser) {
        guard let element = stack.last, let field = names.field(name, in: element.name) else { return }
        if field == .action, isOwn(name, in: element.name) {
            noteAction(name, path, isKnown: words.kind(value) != nil)
        }
        guard !value.isEmpty else { return }
        note(Source(field: field, carrier: path, text: nil, name: name))
    }

    func attributesEnded() {}

    func hidden(_ bytes: Span<UInt8>, in parser: XMLPushParser) {}

    func text(_ bytes: Span<UInt8>) {
        guard let last = stack.indices.last else { return }
        if stack[last].word.map({ $0.count <= 64 }) ?? false { stack[last].word?.append(bytes) }
        guard !stack[last].hasText else { return }
        stack[last].hasText = bytes.indices.contains { !XMLSpace.contains(bytes[$0]) }
    }

    func end(in parser: XMLPushParser) {
        let path = path
        guard let element = stack.popLast() else { return }
        if let word = element.word {
            let text = XMLSpace.trimmed(word.indices, in: word.span)
            noteAction(
                element.name, Array(path.dropLast()), isKnown: words.kind(word.span.extracting(text)) != nil)
        }
        guard element.hasText, !element.hasChildren, let field = names.field(element.name, in: stack.last?.name)
        else { return }
        let carrier = path.count > 1 ? Array(path.dropLast()) : path
        note(Source(field: field, carrier: carrier, text: path, name: element.name))
    }

    private func note(_ source: Source) {
        guard sources.count < Self.placeLimit || sources[source] != nil else { return }
        sources[source, default: Tally(line: line)].count += 1
        guard let last = stack.indices.last, stack[last].fields.insert(source.field).inserted else { return }
        carriers[source.field, default: [:]][source.carrier, default: 0] += 1
    }

    private func noteAction(_ name: Int, _ carrier: [Int], isKnown: Bool) {
        if actions.count < Self.placeLimit { actions[carrier] = isKnown || actions[carrier] ?? false }
        actionName = actionName ?? names.texts[name]
    }

    private var path: [Int] { stack.map(\.name) }

    private func isOwn(_ name: Int, in element: Int) -> Bool { names.namespaces[name] == names.namespaces[element] }

    // MARK: The shape

    /// The shape as far as it shows; throws if the document has records of several kinds.
    func shape(root: [UInt8]) throws(XMLProblem) -> XMLShape? {
        let usable = usable()
        let fields = Set(usable.keys.map(\.field))
        guard let owners = OwnerFields(fields: fields, options),
            let found = options.xmlRecord.map(recordPath(named:)) ?? recordPath(owners, among: usable),
            let last = found.last
        else { return nil }
        let name = XMLRecordName(options.xmlRecord ?? names.texts[last], isChosen: options.xmlRecord != nil)
        let records = recordPaths(name, like: found)
        if !name.isChosen { try checkKinds(records, usable) }
        var mapping: [ExportField: String] = [:]
        var namespaces = XMLFieldNamespaces(record: names.namespaces[last])
        var carriers: [ExportField: String] = [:]
        for field in fields where field.key == nil || owners.keys.contains(field) {
            guard let source = commonest([field], among: usable) else { continue }
            mapping[field] = names.texts[source.name]
            let namespace = names.namespaces[source.name]
            if namespace != namespaces.record { namespaces.others[field] = namespace }
            if source.carrier.count < found.count, found.starts(with: source.carrier), let element = source.carrier.last
            {
                carriers[field] = names.texts[element]
            }
        }
        let hasAction = try hasAction(records)
        if hasAction { mapping[.action] = mapping[.action] ?? actionName }
        var outline = XMLOutline()
        for record in records.sorted(by: Self.precedes) {
            outline.add(
                record.indices.dropLast().map { (names.texts[record[$0]], repeated.contains(Array(record[...$0]))) })
        }
        let counts = Dictionary(paths.map { ($0.key.last ?? 0, $0.value) }, uniquingKeysWith: +)
        return XMLShape(
            path: found.map { names.texts[$0] }, record: name, outline: outline, namespaces: namespaces,
            carriers: carriers, frequent: Set(counts.filter { $0.value > 1 }.map { names.texts[$0.key] }),
            owners: owners, encodesCarts: options.takesAnyCart,
            kind: hasAction ? .delta : options.kind == .additions ? .additions : .snapshot, words: words,
            mapping: mapping, root: root)
    }

    /// The places of values, without those in another namespace than their element's if the field is found in that too.
    private func usable() -> [Source: Tally] {
        let ofOwner = ExportField.owners + [.ownerType]
        let own = sources.filter { source, _ in
            source.carrier.last.map { isOwn(source.name, in: $0) } ?? false
        }
        var fields = Set(own.keys.map(\.field))
        if !fields.isDisjoint(with: ofOwner) { fields.formUnion(ofOwner) }
        let others = sources.filter { source, _ in
            source.field != .action && !fields.contains(source.field)
        }
        return own.merging(others) { first, _ in first }
    }

    /// The paths of all records: of the elements that have one's name, without those that lie in each other.
    private func recordPaths(_ name: XMLRecordName, like found: [Int]) -> [[Int]] {
        let namespace = found.last.map { names.namespaces[$0] }
        let named = paths.keys.filter { path in
            guard let last = path.last, names.namespaces[last] == namespace else { return false }
            // An element of this name around the records, for instance the root, is none.
            return name.matches(path.map { names.texts[$0] }) && !(path.count < found.count && found.starts(with: path))
        }
        return named.filter { path in !named.contains { $0.count < path.count && path.starts(with: $0) } }
    }

    /// Whether records have actions, whatever these say.
    private func hasAction(_ records: [[Int]]) throws(XMLProblem) -> Bool {
        let found = actions.contains { carrier, isKnown in
            if records.contains(where: { carrier.starts(with: $0) }) { return true }
            // What an element around all records says may be about the file and not about them.
            guard records.contains(where: { $0.starts(with: carrier) }) else { return false }
            let isGroup = carrier.indices.contains { repeated.contains(Array(carrier[...$0])) }
            return isGroup || isKnown
        }
        switch options.kind {
        case nil: return found
        case .delta: return true
        case .snapshot, .additions:
            guard found else { return false }
            let kind = options.kind == .snapshot ? "a snapshot" : "additions"
            throw XMLProblem(
                fault: .header,
                problem:
                    "records have an action (\(actionName ?? "action")), and export.kind says that this is \(kind)",
                advice: "remove export.kind, or have the export written without actions")
        }
    }

    /// Throws if carts are named outside of records too, more often than by a slip.
    private func checkKinds(_ records: [[Int]], _ usable: [Source: Tally]) throws(XMLProblem) {
        let strays = sources.filter { source, _ in
            guard source.field == .cart, !records.contains(where: { source.element.starts(with: $0) }) else {
                return false
            }
            // The cart of records that lie in its element.
            if records.contains(where: { $0.starts(with: source.carrier) }),
                source.text == nil || isGroup(source.carrier)
            {
                return false
            }
            return usable[source] != nil
                || sources.keys.contains { ExportField.owners.contains($0.field) && $0.carrier == source.carrier }
        }
        let count = strays.values.reduce(0) { $0 + $1.count }
        // A single one is a slip among several records, and beside a single record nothing says which is meant.
        let ofRecords = records.reduce(0) { $0 + (paths[$1] ?? 0) }
        let isSlip = count == 1 && (ofRecords > 1 || !strays.keys.contains { isOwn($0.name, like: records) })
        guard count > 0, !isSlip, let line = strays.values.map(\.line).min() else { return }
        var counts: [String: Int] = [:]
        for (source, tally) in strays {
            let isAround = records.contains { $0.starts(with: source.carrier) }
            let element = isAround ? source.element : source.carrier
            counts[element.map { names.texts[$0] }.joined(separator: "/"), default: 0] += tally.count
        }
        for record in records {
            counts[record.map { names.texts[$0] }.joined(separator: "/"), default: 0] += paths[record] ?? 0
        }
        let found = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let list = found.prefix(10).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        throw XMLProblem(
            fault: .severalKinds, line: line, problem: "elements of several kinds name a cart: \(list)",
            advice: XMLScan.kindsAdvice)
    }

    /// Whether a name is of the namespace of the records.
    private func isOwn(_ name: Int, like records: [[Int]]) -> Bool {
        records.contains { $0.last.map { isOwn(name, in: $0) } ?? false }
    }

    /// Whether an element, or one around it, was met several times in one place.
    private func isGroup(_ path: [Int]) -> Bool {
        path.indices.contains { repeated.contains(Array(path[...$0])) }
    }

    /// What is wrong with a document that shows no shape.
    func problem() -> XMLProblem {
        let fields = Set(usable().keys.map(\.field))
        let missing: ExportField =
            fields.contains(.cart) ? (options.ownerKind == .account ? .account : .customer) : .cart
        let seen = names.texts
        let list = seen.prefix(30).joined(separator: ", ")
        if let record = options.xmlRecord, recordPath(named: record) == nil {
            return XMLProblem(
                fault: .noRecords, problem: "no element named \(record) (names seen: \(list))",
                advice: "correct the setting mapping.xml.record")
        }
        if fields.contains(.cart), fields.contains(.owner), options.ownerKind == nil {
            return XMLProblem(
                fault: .noRecords,
                problem: "nothing says whether the owners are customers or accounts (names seen: \(list))",
                advice: "add owner_type to each record, or give --owner customer or --owner account")
        }
        let nearest = vocabulary.nearest(to: missing, among: seen)
        return XMLProblem(
            fault: .noRecords, problem: "no records with a \(missing.words) were found (names seen: \(list))",
            advice: nearest.map {
                "if \($0) is the \(missing.words), name it in the setting mapping.\(missing.rawValue)"
            }
                ?? "name its element or attribute \(vocabulary.names(of: missing).joined(separator: " or ")), or set "
                + "mapping.\(missing.rawValue)")
    }

    private func recordPath(named name: String) -> [Int]? {
        let wanted = XMLRecordName(name, isChosen: true)
        return paths.filter { path, _ in wanted.matches(path.map { names.texts[$0] }) }
            .sorted { $0.value != $1.value ? $0.value > $1.value : Self.precedes($0.key, $1.key) }.first?.key
    }

    private func recordPath(_ owners: OwnerFields, among usable: [Source: Tally]) -> [Int]? {
        // A crosswalk has a key in the cart's place, and the id in the owner's.
        let ofCrosswalk = owners.keys.isEmpty ? [.legacyCart] : owners.keys
        let cartFields = owners.isCrosswalk ? ofCrosswalk : [.cart]
        let ownerFields =
            owners.isCrosswalk && owners.ids == nil
            ? [.cart] : owners.fields.filter { $0 != .ownerType && !cartFields.contains($0) }
        // What only names carts is no record if other elements have an owner too, or lie in one or around one.
        let places = Set(usable.keys.filter { ownerFields.contains($0.field) }.map(\.carrier))
        let whole = usable.filter { source, _ in
            cartFields.contains(source.field)
                && places.contains { $0.starts(with: source.carrier) || source.carrier.starts(with: $0) }
        }
        guard let cart = commonest(cartFields, among: whole) ?? commonest(cartFields, among: usable),
            let owner = commonest(ownerFields, near: cart.carrier, among: usable)
        else { return nil }
        if cart.carrier == owner.carrier, let cartText = cart.text, let ownerText = owner.text {
            // Both are leaves of one element: of that which it has several of, each is a record.
            if repeated.contains(cartText), !repeated.contains(ownerText) { return cartText }
            if repeated.contains(ownerText), !repeated.contains(cartText) { return ownerText }
            return cart.carrier
        }
        // Text in an element of its own, inside the element that is the other side: each such text is a record.
        if let text = cart.text, isThing(text, cart.field), !isThing(cart.carrier, cart.field),
            text.dropLast().starts(with: owner.carrier), isThing(owner.carrier, owner.field)
        {
            return text
        }
        if let text = owner.text, isThing(text, owner.field), !isThing(owner.carrier, owner.field),
            text.dropLast().starts(with: cart.carrier), isThing(cart.carrier, cart.field)
        {
            return text
        }
        if let text = cart.text, repeated.contains(text), cart.carrier == owner.carrier { return text }
        if cart.carrier.starts(with: owner.carrier) { return cart.carrier }
        if owner.carrier.starts(with: cart.carrier) { return owner.carrier }
        if repeated.contains(cart.carrier), cart.carrier.dropLast().elementsEqual(owner.carrier.dropLast()) {
            return cart.carrier
        }
        return zip(cart.carrier, owner.carrier).prefix { $0 == $1 }.map(\.0)
    }

    /// Whether an element is named after what it describes, as `customer` is and `association` is not.
    private func isThing(_ path: [Int], _ field: ExportField) -> Bool {
        path.last.map { names.fields[$0] == field } ?? false
    }

    /// The place where fields are found most often, in the element where they are found most often in whatever form; of
    /// several such elements, in the one that shares most with another path.
    private func commonest(
        _ fields: [ExportField], near other: [Int] = [], among usable: [Source: Tally]
    ) -> Source? {
        func shared(_ carrier: [Int]) -> Int { zip(carrier, other).prefix { $0 == $1 }.count }
        let candidates = usable.filter { fields.contains($0.key.field) }
        var counts: [[Int]: Int] = [:]
        for source in Set(candidates.keys.map { Source(field: $0.field, carrier: $0.carrier, text: nil, name: 0) }) {
            counts[source.carrier, default: 0] += carriers[source.field]?[source.carrier] ?? 0
        }
        let carrier = counts.sorted {
            if $0.value != $1.value { return $0.value > $1.value }
            if shared($0.key) != shared($1.key) { return shared($0.key) > shared($1.key) }
            return Self.precedes($0.key, $1.key)
        }.first?.key
        return candidates.filter { $0.key.carrier == carrier }.sorted {
            // An `id` beside the field's own name is another thing.
            let isDetail = (names.isDetail($0.key.name), names.isDetail($1.key.name))
            if isDetail.0 != isDetail.1 { return isDetail.1 }
            if $0.value.count != $1.value.count { return $0.value.count > $1.value.count }
            return ($0.key.name, $0.key.text?.count ?? 0) < ($1.key.name, $1.key.text?.count ?? 0)
        }.first?.key
    }

    /// Whether a path is shorter, or was met earlier.
    private static func precedes(_ left: [Int], _ right: [Int]) -> Bool {
        left.count != right.count ? left.count < right.count : left.lexicographicallyPrecedes(right)
    }
}
