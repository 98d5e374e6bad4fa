import CLibXML2

/// What an XML document is made of, as far as exports need it.
///
/// Comments, processing instructions and the XML declaration are passed over.
protocol XMLEvents: AnyObject {
    /// A name that was not met before in its namespace, empty for none; names are numbered from 0 in this order.
    func name(_ text: String, in namespace: String)
    /// A start tag; the parser's position is in it, behind its last attribute.
    func start(_ name: Int, in parser: XMLPushParser)
    /// One attribute of the element that started last, as it is after entities were replaced.
    func attribute(_ name: Int, _ value: Span<UInt8>, in parser: XMLPushParser)
    /// All attributes of the element that started last have been told.
    func attributesEnded()
    /// A piece of text or CDATA.
    func text(_ bytes: Span<UInt8>)
    /// A piece of CDATA, before it is told as text, or the content of an instruction: what may hide markup.
    func hidden(_ bytes: Span<UInt8>, in parser: XMLPushParser)
    /// The end of the element that is open; the parser's position is behind its end tag.
    func end(in parser: XMLPushParser)
}

/// Parses XML that comes in pieces, strictly, with libxml2's push parser.
///
/// A name is its local part and its namespace, so that prefixes make no difference; an attribute without a prefix has
/// the namespace of its element. There is no DOCTYPE, so there are no entities but the predefined ones and character
/// references.
///
/// Unsafe storage: libxml2's context is made in `init` and freed in `deinit`, and never leaves this class. libxml2
/// calls back only during `parse` and `finish`, when `self` and `events` are alive.
@safe final class XMLPushParser {
    private(set) var sawDoctype = false
    /// Deeper elements are refused: libxml2 itself has a limit only when it builds trees.
    static let depthLimit = 256
    private var depth = 0
    /// More different names are refused, because they are kept.
    static let nameLimit = 4096

    private let events: any XMLEvents
    private let context: xmlParserCtxtPtr

    private struct Name: Hashable {
        let text: String
        let namespace: String
    }

    /// Where libxml2 keeps a name: each once, so that comparing addresses compares names.
    private struct Address: Equatable {
        let text: Int
        let namespace: Int
    }

    /// The addresses of the names met, and the number of each.
    private var addresses: [Address] = []
    private var numbers: [Int] = []
    private var names: [Name] = []
    /// The elements that are open: the number of their name, and the line on which their start tag ends.
    private var open: [(name: Int, line: Int)] = []
    private var fault: Fault?

    init?(events: any XMLEvents) {
        self.events = events
        var handlers = unsafe xmlSAXHandler()
        unsafe handlers.initialized = UInt32(XML_SAX2_MAGIC)
        unsafe handlers.startElementNs = { user, name, _, namespace, _, _, count, _, attributes in
            guard let user = unsafe user, let name = unsafe name else { return }
            unsafe Unmanaged<XMLPushParser>.fromOpaque(user)._withUnsafeGuaranteedRef {
                unsafe $0.started(name, namespace, Int(count), attributes)
            }
        }
        unsafe handlers.endElementNs = { user, _, _, _ in
            guard let user = unsafe user else { return }
            unsafe Unmanaged<XMLPushParser>.fromOpaque(user)._withUnsafeGuaranteedRef { $0.ended() }
        }
        unsafe handlers.characters = { user, bytes, count in unsafe XMLPushParser.text(user, bytes, count) }
        unsafe handlers.ignorableWhitespace = { user, bytes, count in unsafe XMLPushParser.text(user, bytes, count) }
        unsafe handlers.cdataBlock = { user, bytes, count in
            unsafe XMLPushParser.hidden(user, bytes, Int(count))
            unsafe XMLPushParser.text(user, bytes, count)
        }
        unsafe handlers.processingInstruction = { user, _, data in
            guard let data = unsafe data else { return }
            unsafe XMLPushParser.hidden(user, data, Int(xmlStrlen(data)))
        }
        unsafe handlers.internalSubset = { user, _, _, _ in
            guard let user = unsafe user else { return }
            unsafe Unmanaged<XMLPushParser>.fromOpaque(user).takeUnretainedValue().refuseDoctype()
        }
        unsafe handlers.serror = { user, error in
            guard let user = unsafe user, let error = unsafe error else { return }
            // The message is a C string that lives as long as the error, which lives as long as this call.
            let message = unsafe error.pointee.message.map { unsafe String(cString: $0) }
            let fault = unsafe Fault(
                code: error.pointee.code, line: Int(error.pointee.line), column: Int(error.pointee.int2),
                message: message ?? "not well-formed")
            guard unsafe error.pointee.level.rawValue >= XML_ERR_ERROR.rawValue else { return }
            unsafe Unmanaged<XMLPushParser>.fromOpaque(user)._withUnsafeGuaranteedRef { $0.note(fault) }
        }
        // libxml2 copies the handlers; a context without `self` is filled in below, when `self` may be used.
        guard let context = unsafe xmlCreatePushParserCtxt(&handlers, nil, nil, 0, nil) else { return nil }
        unsafe self.context = context
        unsafe context.pointee.userData = Unmanaged.passUnretained(self).toOpaque()
        // NOENT: otherwise & in an attribute is told as &#38;. It can replace nothing else, because nothing can be
        // declared. IGNORE_ENC: the text comes as UTF-8, whatever it was when the declaration was written.
        let options = XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue | XML_PARSE_IGNORE_ENC.rawValue
        _ = unsafe xmlCtxtUseOptions(context, Int32(options))
    }

    deinit {
        unsafe xmlFreeParserCtxt(context)
    }

    /// Why the bytes are not a well-formed document.
    struct Fault: Error {
        /// libxml2's number of the fault; nil for a limit of ours.
        var code: Int32?
        let line: Int
        /// In characters, from 1; 0 if it is not known.
        var column = 0
        let message: String
    }

    /// The innermost element that has not ended, and the line on which its start tag ends.
    var innermost: (name: String, line: Int)? {
        open.last.map { (names[$0.name].text, $0.line) }
    }

    /// How many bytes have been understood so far; behind them a tag or comment has not ended yet.
    var position: Int { unsafe xmlByteConsumed(context) }

    var line: Int {
        guard let input = unsafe context.pointee.input else { return 1 }
        return Int(unsafe input.pointee.line)
    }

    /// Parses the next bytes.
    func parse(_ bytes: Span<UInt8>) throws(Fault) {
        // libxml2 copies the bytes before it returns.
        _ = unsafe bytes.withUnsafeBytes { memory in
            unsafe xmlParseChunk(
                context, memory.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(memory.count), 0)
        }
        try check()
    }

    /// Says that there are no more bytes.
    func finish() throws(Fault) {
        _ = unsafe xmlParseChunk(context, nil, 0, 1)
        try check()
    }

    private func check() throws(Fault) {
        if sawDoctype { throw Fault(line: line, message: "a DOCTYPE") }
        if depth > Self.depthLimit {
            throw Fault(line: line, message: "elements lie more than \(Self.depthLimit) deep in each other")
        }
        if names.count > Self.nameLimit {
            throw Fault(line: line, message: "more than \(Self.nameLimit) different names of elements and attributes")
        }
        if let fault { throw fault }
        if unsafe context.pointee.wellFormed == 0 { throw Fault(line: line, message: "not well-formed") }
    }

    /// Keeps the first fault: what libxml2 finds after it may follow from it.
    private func note(_ found: Fault) {
        // A namespace is told from another by its name, whether or not that name is a URI.
        guard fault == nil, found.code != Int32(XML_WAR_NS_URI.rawValue) else { return }
        let message = found.message.split(whereSeparator: \.isNewline).joined(separator: " ")
        fault = Fault(code: found.code, line: found.line, column: found.column, message: message)
    }

    private func started(
        _ name: UnsafePointer<xmlChar>, _ namespace: UnsafePointer<xmlChar>?, _ count: Int,
        _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    ) {
        depth += 1
        guard depth <= Self.depthLimit else {
            unsafe xmlStopParser(context)
            return
        }
        let number = unsafe number(of: name, in: namespace)
        open.append((number, line))
        events.start(number, in: self)
        if let attributes = unsafe attributes {
            for attribute in 0..<count {
                // Five pointers an attribute: local name, prefix, namespace, and the value from begin to end
                // (libxml2, parser.h, startElementNsSAX2Func).
                guard let name = unsafe attributes[attribute * 5], let begin = unsafe attributes[attribute * 5 + 3],
                    let end = unsafe attributes[attribute * 5 + 4]
                else { continue }
                let own = unsafe attributes[attribute * 5 + 2] ?? namespace
                let value = unsafe UnsafeBufferPointer(start: begin, count: end - begin)
                unsafe events.attribute(self.number(of: name, in: own), value.span, in: self)
            }
        }
        events.attributesEnded()
    }

    private func ended() {
        guard depth <= Self.depthLimit else { return }
        depth -= 1
        open.removeLast()
        events.end(in: self)
    }

    private static func hidden(_ user: UnsafeMutableRawPointer?, _ bytes: UnsafePointer<xmlChar>?, _ count: Int) {
        guard let user = unsafe user, let bytes = unsafe bytes else { return }
        unsafe Unmanaged<XMLPushParser>.fromOpaque(user)._withUnsafeGuaranteedRef {
            unsafe $0.events.hidden(UnsafeBufferPointer(start: bytes, count: count).span, in: $0)
        }
    }

    private static func text(_ user: UnsafeMutableRawPointer?, _ bytes: UnsafePointer<xmlChar>?, _ count: Int32) {
        guard let user = unsafe user, let bytes = unsafe bytes else { return }
        unsafe Unmanaged<XMLPushParser>.fromOpaque(user)._withUnsafeGuaranteedRef {
            unsafe $0.events.text(UnsafeBufferPointer(start: bytes, count: Int(count)).span)
        }
    }

    private func refuseDoctype() {
        sawDoctype = true
        unsafe xmlStopParser(context)
    }

    private func number(of name: UnsafePointer<xmlChar>, in namespace: UnsafePointer<xmlChar>?) -> Int {
        // Exports have a handful of names, so that a search is faster than a table.
        let address = Address(text: Int(bitPattern: name), namespace: Int(bitPattern: namespace))
        if let index = addresses.firstIndex(of: address) { return numbers[index] }
        let known = Name(
            text: unsafe String(cString: name), namespace: unsafe namespace.map { unsafe String(cString: $0) } ?? "")
        let number = names.firstIndex(of: known) ?? names.count
        addresses.append(address)
        numbers.append(number)
        guard number == names.count else { return number }
        names.append(known)
        if names.count > Self.nameLimit { unsafe xmlStopParser(context) }
        events.name(known.text, in: known.namespace)
        return number
    }
}
