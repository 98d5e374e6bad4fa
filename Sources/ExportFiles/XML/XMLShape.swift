import CartAssociations

/// Which element of a document is one record.
struct XMLShape: Sendable, Equatable {
    /// The names from the root to the record's element.
    let path: [String]
    let owners: OwnerFields
    let hasAction: Bool
    /// The element or attribute that each field was found in.
    let mapping: [ExportField: String]
    /// The start tag of the root, without its `>`.
    let root: [UInt8]
}

/// Looks at the beginning of a document until it shows which element is one record.
///
/// Where the owner's element is around the cart's, the cart's element is the record and inherits its owner, and the
/// other way round; else the record is the smallest element around both.
final class XMLSurvey: XMLEvents {
    /// A place where a field's value is found.
    private struct Source: Hashable {
        let field: ExportField
        /// The element that the value describes.
        let carrier: [Int]
        /// The element whose text the value is; nil for an attribute.
        let text: [Int]?
        let name: Int
    }

    private struct Element {
        let name: Int
        var hasChildren = false
        var hasText = false
        var children: Set<Int> = []
    }

    private var names: XMLNames
    private var stack: [Element] = []
    private var sources: [Source: Int] = [:]
    private var paths: [[Int]: Int] = [:]
    /// Elements that were found more than once in one element.
    private var repeated: Set<[Int]> = []
    /// Different places beyond this number are not told apart; an export has a handful.
    private static let placeLimit = 10_000
    private let options: ReadingOptions
    private let vocabulary: FieldVocabulary

    init(_ options: ReadingOptions) {
        self.options = options
        vocabulary = FieldVocabulary(options)
        names = XMLNames(vocabulary)
    }

    func name(_ text: String) { names.append(text) }

    func start(_ name: Int, in parser: XMLPushParser) {
        stack.append(Element(name: name))
        let path = path
        if paths.count < Self.placeLimit { paths[path, default: 0] += 1 }
        guard stack.count > 1 else { return }
        let parent = stack.count - 2
        stack[parent].hasChildren = true
        if !stack[parent].children.insert(name).inserted, repeated.count < Self.placeLimit { repeated.insert(path) }
    }

    func attribute(_ name: Int, _ value: Span<UInt8>) {
        guard !value.isEmpty, let element = stack.last, let field = names.field(name, in: element.name) else { return }
        note(Source(field: field, carrier: path, text: nil, name: name))
    }

    private func note(_ source: Source) {
        if sources.count < Self.placeLimit { sources[source, default: 0] += 1 }
    }

    func attributesEnded() {}

    func text(_ bytes: Span<UInt8>) {
        guard let last = stack.indices.last, !stack[last].hasText else { return }
        stack[last].hasText = bytes.indices.contains { !XMLSpace.contains(bytes[$0]) }
    }

    func end(in parser: XMLPushParser) {
        let path = path
        guard let element = stack.popLast(), element.hasText, !element.hasChildren,
            let field = names.field(element.name, in: stack.last?.name)
        else { return }
        let carrier = path.count > 1 ? Array(path.dropLast()) : path
        note(Source(field: field, carrier: carrier, text: path, name: element.name))
    }

    private var path: [Int] { stack.map(\.name) }

    /// The shape as far as it shows.
    func shape(root: [UInt8]) -> XMLShape? {
        let fields = Set(sources.keys.map(\.field))
        guard let owners = OwnerFields(fields: fields, kind: options.ownerKind),
            let record = options.xmlRecord.map(recordPath(named:)) ?? recordPath(owners)
        else { return nil }
        var mapping: [ExportField: String] = [:]
        for field in fields { mapping[field] = commonest([field]).map { names.texts[$0.name] } }
        return XMLShape(
            path: record.map { names.texts[$0] }, owners: owners, hasAction: fields.contains(.action), mapping: mapping,
            root: root)
    }

    /// What is wrong with a document that shows no shape.
    func problem() -> (problem: String, advice: String) {
        let fields = Set(sources.keys.map(\.field))
        let missing: ExportField =
            fields.contains(.cart) ? (options.ownerKind == .account ? .account : .customer) : .cart
        let seen = names.texts
        let list = seen.prefix(30).joined(separator: ", ")
        if let record = options.xmlRecord, recordPath(named: record) == nil {
            return (
                "no element named \(record) (names seen: \(list))", "correct the setting mapping.xml.record"
            )
        }
        if fields.contains(.cart), fields.contains(.owner), options.ownerKind == nil {
            return (
                "nothing says whether the owners are customers or accounts (names seen: \(list))",
                "add owner_type to each record, or give --owner customer or --owner account"
            )
        }
        let nearest = vocabulary.nearest(to: missing, among: seen)
        return (
            "no records with a \(missing.words) were found (names seen: \(list))",
            nearest.map { "if \($0) is the \(missing.words), name it in the setting mapping.\(missing.rawValue)" }
                ?? "name its element or attribute \(vocabulary.names(of: missing).joined(separator: " or ")), or set "
                + "mapping.\(missing.rawValue)"
        )
    }

    private func recordPath(named name: String) -> [Int]? {
        let wanted = FieldVocabulary.plain(name)
        return commonest(
            paths.filter { path, _ in path.last.map { FieldVocabulary.plain(names.texts[$0]) == wanted } ?? false })
    }

    private func recordPath(_ owners: OwnerFields) -> [Int]? {
        guard let cart = commonest([.cart]),
            let owner = commonest(owners.fields.filter { $0 != .ownerType }, near: cart.carrier)
        else { return nil }
        // Text in an element of its own, inside the element that is the other side: each such text is a record.
        if let text = cart.text, isThing(text, cart.field), text.dropLast().starts(with: owner.carrier),
            isThing(owner.carrier, owner.field)
        {
            return text
        }
        if let text = owner.text, isThing(text, owner.field), text.dropLast().starts(with: cart.carrier),
            isThing(cart.carrier, cart.field)
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

    /// The place where fields are found most often; of several, the one that shares most with another path.
    private func commonest(_ fields: [ExportField], near other: [Int] = []) -> Source? {
        func shared(_ source: Source) -> Int { zip(source.carrier, other).prefix { $0 == $1 }.count }
        return sources.filter { fields.contains($0.key.field) }.sorted {
            if $0.value != $1.value { return $0.value > $1.value }
            if shared($0.key) != shared($1.key) { return shared($0.key) > shared($1.key) }
            if $0.key.carrier != $1.key.carrier { return Self.precedes($0.key.carrier, $1.key.carrier) }
            return ($0.key.name, $0.key.text?.count ?? 0) < ($1.key.name, $1.key.text?.count ?? 0)
        }.first?.key
    }

    private func commonest(_ paths: [[Int]: Int]) -> [Int]? {
        paths.sorted { $0.value != $1.value ? $0.value > $1.value : Self.precedes($0.key, $1.key) }.first?.key
    }

    /// Whether a path is shorter, or was met earlier.
    private static func precedes(_ left: [Int], _ right: [Int]) -> Bool {
        left.count != right.count ? left.count < right.count : left.lexicographicallyPrecedes(right)
    }
}
