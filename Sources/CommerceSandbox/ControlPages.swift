import HTTPTypes
import Hummingbird

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The pages under /sandbox/: no part of the vendor's API, need no token and are not counted.
extension SandboxState {
    func control(_ page: ControlPage, body: [UInt8]) -> Answer {
        switch page {
        case .stats:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            guard let json = try? encoder.encode(statistics) else {
                return .error(500, "Internal Server Error", "The statistics cannot be encoded")
            }
            return Answer(status: 200, body: Array(json))
        case .associations:
            let lines = associations.map { "\($0.cart),\($0.kind.rawValue),\($0.owner.csvField)\n" }.sorted()
            return Answer(
                status: 200, body: Array(("cart_id,owner_type,owner_id\n" + lines.joined()).utf8),
                contentType: "text/csv; charset=utf-8")
        case .faults:
            do {
                inject(try SandboxFault(json: Data(body)))
                return .noContent()
            } catch {
                return .error(400, "Bad Request", "\(error)")
            }
        }
    }
}

extension String {
    /// The text as a field of RFC 4180.
    fileprivate var csvField: String {
        guard contains(where: { ",\"\r\n".contains($0) || $0.isNewline }) else { return self }
        return "\"\(split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
    }
}
