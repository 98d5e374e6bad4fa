import CLibXML2
import Foundation

/// One page of a bucket's listing, as ListObjectsV2 answers it.
///
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
struct BucketListing: Sendable, Hashable {
    struct Object: Sendable, Hashable {
        var key = ""
        var size: Int?
        var etag: String?
        /// The time of its last change since 1970.
        var modified: Duration?
    }

    var objects: [Object] = []
    /// The token that asks for the next page; nil if this is the last one.
    var token: String?

    /// Nil if the bytes are not a whole listing.
    init?(_ bytes: [UInt8]) {
        let options = XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
        // libxml2 copies the bytes, and refuses what is not well-formed.
        let parsed = unsafe bytes.withUnsafeBytes { memory in
            unsafe xmlReadMemory(
                memory.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(memory.count), nil, nil, Int32(options))
        }
        guard let document = unsafe parsed else { return nil }
        defer { unsafe xmlFreeDoc(document) }
        // A listing has no DOCTYPE, whose entities could be anything.
        guard unsafe document.pointee.intSubset == nil, let root = unsafe xmlDocGetRootElement(document),
            unsafe Self.name(root) == "ListBucketResult"
        else { return nil }
        var isTruncated: Bool?
        let children = unsafe Self.children(root)
        for place in unsafe children.indices {
            let child = unsafe children[place]
            switch unsafe Self.name(child) {
            case "Contents": unsafe objects.append(Self.object(child))
            case "IsTruncated": unsafe isTruncated = Self.text(child) == "true"
            case "NextContinuationToken": unsafe token = Self.text(child)
            default: break
            }
        }
        // Without that word it is not known whether there is more.
        guard let isTruncated, isTruncated == (token != nil) else { return nil }
    }

    // Unsafe, as everything below, because libxml2's tree is made of C pointers: they are read while the document lives.
    @unsafe private static func object(_ node: xmlNodePtr) -> Object {
        var object = Object()
        let children = unsafe children(node)
        for place in unsafe children.indices {
            let child = unsafe children[place]
            let text = unsafe text(child)
            let name = unsafe name(child)
            switch name {
            case "Key": object.key = text
            case "Size": object.size = Int(text)
            case "ETag": object.etag = text
            case "LastModified":
                let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
                if let date = try? Date(text, strategy: style) {
                    object.modified = .milliseconds(Int64((date.timeIntervalSince1970 * 1000).rounded()))
                }
            default: break
            }
        }
        return object
    }

    @unsafe private static func children(_ node: xmlNodePtr) -> [xmlNodePtr] {
        var found: [xmlNodePtr] = unsafe []
        var next = unsafe node.pointee.children
        while let child = unsafe next {
            if unsafe child.pointee.type == XML_ELEMENT_NODE { unsafe found.append(child) }
            unsafe next = child.pointee.next
        }
        return unsafe found
    }

    @unsafe private static func name(_ node: xmlNodePtr) -> String {
        guard let name = unsafe node.pointee.name else { return "" }
        return unsafe String(cString: name)
    }

    @unsafe private static func text(_ node: xmlNodePtr) -> String {
        var text = ""
        var next = unsafe node.pointee.children
        while let child = unsafe next {
            if let content = unsafe child.pointee.content { unsafe text += String(cString: content) }
            unsafe next = child.pointee.next
        }
        return text
    }
}
