import CLibXML2

/// An element of a small XML document, as values: its name without a prefix, its own text, and what is in it.
struct XMLElement: Sendable, Hashable {
    let name: String
    let text: String
    let children: [XMLElement]

    /// The root of a document; nil if the bytes are not well-formed, or have a DOCTYPE, whose entities could be anything.
    init?(document bytes: [UInt8]) {
        let options = XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
        // libxml2 copies the bytes, and refuses what is not well-formed or nested too deep.
        let parsed = unsafe bytes.withUnsafeBytes { memory in
            unsafe xmlReadMemory(
                memory.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(memory.count), nil, nil, Int32(options))
        }
        guard let document = unsafe parsed else { return nil }
        defer { unsafe xmlFreeDoc(document) }
        guard unsafe document.pointee.intSubset == nil, let root = unsafe xmlDocGetRootElement(document) else {
            return nil
        }
        unsafe self.init(root)
    }

    // Unsafe because libxml2's tree is made of C pointers: they are read while the document lives.
    @unsafe private init(_ node: xmlNodePtr) {
        var text = ""
        var children: [XMLElement] = []
        var next = unsafe node.pointee.children
        while let child = unsafe next {
            if unsafe child.pointee.type == XML_ELEMENT_NODE {
                unsafe children.append(XMLElement(child))
            } else if let content = unsafe child.pointee.content {
                unsafe text += String(cString: content)
            }
            unsafe next = child.pointee.next
        }
        name = unsafe node.pointee.name.map { unsafe String(cString: $0) } ?? ""
        self.text = text
        self.children = children
    }

    /// The text of the first child of a name; nil if there is none.
    subscript(_ name: String) -> String? { children.first { $0.name == name }?.text }

    /// All children of a name.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}
