import Foundation
import HTTPTypes
import Hummingbird

/// The pages under /sandbox/: no part of the vendor's API, need no token and are not counted.
extension SandboxState {
    func control(_ page: ControlPage, method: String, body: [UInt8]) -> Reply {
        switch page {
        case .stats:
            return shown(statistics)
        case .behaviour:
            guard method == "PUT" else { return shown(behaviour.byName) }
            guard let changes = try? JSONDecoder().decode([String: String].self, from: Data(body)) else {
                return .error(
                    400, "Bad Request", #"The body is a JSON object of texts, for instance {"unknown-cart":"404"}"#)
            }
            do {
                try behave(changes)
                return shown(behaviour.byName)
            } catch {
                return .error(400, "Bad Request", "\(error)")
            }
        case .associations:
            let lines = associations.map { "\($0.cart),\($0.kind.rawValue),\($0.owner.csvField)\n" }.sorted()
            return Reply(
                status: 200, body: Array(("cart_id,owner_type,owner_id\n" + lines.joined()).utf8),
                contentType: "text/csv; charset=utf-8")
        case .faults where method == "DELETE":
            clearFaults()
            return .noContent()
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

extension SandboxState {
    private func shown(_ value: some Encodable) -> Reply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let json = try? encoder.encode(value) else {
            return .error(500, "Internal Server Error", "It cannot be encoded")
        }
        return Reply(status: 200, body: Array(json))
    }
}

extension String {
    /// The text as a field of RFC 4180.
    fileprivate var csvField: String {
        guard contains(where: { ",\"\r\n".contains($0) || $0.isNewline }) else { return self }
        return "\"\(split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
    }
}
