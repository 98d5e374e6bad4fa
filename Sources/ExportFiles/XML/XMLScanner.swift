/// Hands libxml2's events to a scan.
final class XMLScanner: XMLEvents {
    /// Unchecked, because libxml2 calls back only while it parses and nothing below calls it again: to check that at
    /// each event would take a tenth of the time of reading.
    @exclusivity(unchecked) private var current: XMLScan

    init(_ scan: XMLScan) {
        // Nobody else has the object yet.
        unsafe current = scan
    }

    /// The scan as it is between two blocks.
    var scan: XMLScan { unsafe current }

    /// Whether records wait for what stands behind them.
    var isWaiting: Bool { unsafe current.isWaiting }

    /// Adds the text that is parsed next.
    func append(_ text: ArraySlice<UInt8>) { unsafe current.window.append(text) }

    /// Forgets the finished records, and the text that neither the parser nor an open record needs.
    func clear(before position: Int) {
        unsafe current.clear()
        let needed = unsafe current.openStart ?? position
        unsafe current.window.drop(before: min(needed, position))
    }

    func name(_ text: String, in namespace: String) { unsafe current.name(text, in: namespace) }
    func start(_ name: Int, in parser: XMLPushParser) { unsafe current.start(name, in: parser) }
    func attribute(_ name: Int, _ value: Span<UInt8>, in parser: XMLPushParser) {
        unsafe current.attribute(name, value, in: parser)
    }
    func attributesEnded() { unsafe current.attributesEnded() }
    func text(_ bytes: Span<UInt8>) { unsafe current.text(bytes) }
    func hidden(_ bytes: Span<UInt8>, in parser: XMLPushParser) { unsafe current.hidden(bytes, in: parser) }
    func end(in parser: XMLPushParser) { unsafe current.end(in: parser) }
}
