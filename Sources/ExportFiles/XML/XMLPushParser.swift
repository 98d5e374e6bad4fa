import CLibXML2

/// What an XML document is made of, as far as exports need it.
///
/// Comments, processing instructions and the XML declaration are passed over.
protocol XMLEvents: AnyObject {
    /// A local name that was not met before; names are numbered from 0 in this order.
    func name(_ text: String)
    /// A start tag; the parser's position is in it, behind its last attribute.
    func start(_ name: Int, in parser: XMLPushParser)
    /// One attribute of the element that started last, as it is after entities were replaced.
    func attribute(_ name: Int, _ value: Span<UInt8>)
    /// All attributes of the element that started last have been told.
    func attributesEnded()
    /// A piece of text or CDATA.
    func text(_ bytes: Span<UInt8>)
    /// The end of the element that is open; the parser's position is behind its end tag.
    func end(in parser: XMLPushParser)
}

/// Parses XML that comes in pieces, strictly, with libxml2's push parser.
///
/// Of names only the local part is told, so that namespace prefixes make no difference. There is no DOCTYPE, so there
/// are no entities but the predefined ones and character references.
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
    /// The addresses of the names met: libxml2 keeps each name once, so that comparing addresses compares names.
    private var addresses: [Int] = []

    init?(events: any XMLEvents) {
        self.events = events
        var handlers = unsafe xmlSAXHandler()
        unsafe handlers.initialized = UInt32(XML_SAX2_MAGIC)
        unsafe handlers.startElementNs = { user, name, _, _, _, _, count, _, attributes in
            guard let user = unsafe user, let name = unsafe name else { return }
            unsafe Unmanaged<XMLPushParser>.fromOpaque(user)._withUnsafeGuaranteedRef {
                unsafe $0.started(name, Int(count), attributes)
            }
        }
        unsafe handlers.endElementNs = { user, _, _, _ in
            guard let user = unsafe user else { return }
            unsafe Unmanaged<XMLPushParser>.fromOpaque(user)._withUnsafeGuaranteedRef { $0.ended() }
        }
        unsafe handlers.characters = { user, bytes, count in unsafe XMLPushParser.text(user, bytes, count) }
        unsafe handlers.ignorableWhitespace = { user, bytes, count in unsafe XMLPushParser.text(user, bytes, count) }
        unsafe handlers.cdataBlock = { user, bytes, count in unsafe XMLPushParser.text(user, bytes, count) }
        unsafe handlers.internalSubset = { user, _, _, _ in
            guard let user = unsafe user else { return }
            unsafe Unmanaged<XMLPushParser>.fromOpaque(user).takeUnretainedValue().refuseDoctype()
        }
        // libxml2 copies the handlers; a context without `self` is filled in below, when `self` may be used.
        guard let context = unsafe xmlCreatePushParserCtxt(&handlers, nil, nil, 0, nil) else { return nil }
        unsafe self.context = context
        unsafe context.pointee.userData = Unmanaged.passUnretained(self).toOpaque()
        // NOENT: otherwise & in an attribute is told as &#38;. It can replace nothing else, because nothing can be
        // declared. IGNORE_ENC: the text comes as UTF-8, whatever it was when the declaration was written.
        let options =
            XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue
            | XML_PARSE_NOWARNING.rawValue | XML_PARSE_IGNORE_ENC.rawValue
        _ = unsafe xmlCtxtUseOptions(context, Int32(options))
    }

    deinit {
        unsafe xmlFreeParserCtxt(context)
    }

    /// Why the bytes are not a well-formed document.
    struct Fault: Error {
        let line: Int
        let message: String
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
        if addresses.count > Self.nameLimit {
            throw Fault(line: line, message: "more than \(Self.nameLimit) different names of elements and attributes")
        }
        if unsafe context.pointee.wellFormed != 0 && context.pointee.nsWellFormed != 0 { return }
        guard let error = unsafe xmlCtxtGetLastError(context) else {
            throw Fault(line: line, message: "not well-formed")
        }
        // The message is a C string that lives as long as the context's error.
        let message = unsafe error.pointee.message.map { unsafe String(cString: $0) } ?? "not well-formed"
        let place = unsafe error.pointee.line
        throw Fault(line: Int(place), message: message.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    private func started(
        _ name: UnsafePointer<xmlChar>, _ count: Int, _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    ) {
        depth += 1
        guard depth <= Self.depthLimit else {
            unsafe xmlStopParser(context)
            return
        }
        events.start(unsafe index(of: name), in: self)
        if let attributes = unsafe attributes {
            for attribute in 0..<count {
                // Five pointers an attribute: local name, prefix, namespace, and the value from begin to end
                // (libxml2, parser.h, startElementNsSAX2Func).
                guard let name = unsafe attributes[attribute * 5], let begin = unsafe attributes[attribute * 5 + 3],
                    let end = unsafe attributes[attribute * 5 + 4]
                else { continue }
                let value = unsafe UnsafeBufferPointer(start: begin, count: end - begin)
                unsafe events.attribute(index(of: name), value.span)
            }
        }
        events.attributesEnded()
    }

    private func ended() {
        guard depth <= Self.depthLimit else { return }
        depth -= 1
        events.end(in: self)
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

    private func index(of name: UnsafePointer<xmlChar>) -> Int {
        // Exports have a handful of names, so that a search is faster than a table.
        let address = Int(bitPattern: name)
        if let index = addresses.firstIndex(of: address) { return index }
        addresses.append(address)
        if addresses.count > Self.nameLimit { unsafe xmlStopParser(context) }
        unsafe events.name(String(cString: name))
        return addresses.count - 1
    }
}
