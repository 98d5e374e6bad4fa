/// Hands libxml2's events to a scan.
final class XMLScanner: XMLEvents {
    var scan: XMLScan

    init(_ scan: XMLScan) {
        self.scan = scan
    }

    func name(_ text: String) { scan.name(text) }
    func start(_ name: Int, in parser: XMLPushParser) { scan.start(name, in: parser) }
    func attribute(_ name: Int, _ value: Span<UInt8>) { scan.attribute(name, value) }
    func attributesEnded() { scan.attributesEnded() }
    func text(_ bytes: Span<UInt8>) { scan.text(bytes) }
    func end(in parser: XMLPushParser) { scan.end(in: parser) }
}
