import Foundation

/// JSON that others have written, and that decides something.
package enum ForeignJSON {
    /// Decodes a document.
    ///
    /// Throws `DecodingError`, also if an object has a name twice: one reader takes the first of the two, and another the
    /// last (RFC 8259, section 4), so that what the document says is unclear.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        let value = try JSONDecoder().decode(type, from: Data(bytes))
        guard let text = inUTF8(bytes), !hasRepeatedName(text) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "an object has a name twice"))
        }
        return value
    }

    /// A document as UTF-8, also if PowerShell has written it; nil if it has a zero that no encoding explains.
    private static func inUTF8(_ bytes: [UInt8]) -> [UInt8]? {
        guard let zero = bytes.firstIndex(of: 0) else { return bytes }
        guard zero < 4 else { return nil }
        let encoding = zero % 2 == 0 ? String.Encoding.utf16BigEndian : .utf16LittleEndian
        return String(data: Data(bytes), encoding: encoding).map { Array($0.utf8) }
    }

    /// - Parameter bytes: a document that a reader of JSON has read.
    private static func hasRepeatedName(_ bytes: [UInt8]) -> Bool {
        /// The names that each open object has so far.
        var objects: [Set<ArraySlice<UInt8>>] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"): objects.append([])
            case UInt8(ascii: "}"): _ = objects.popLast()
            case UInt8(ascii: "\""):
                let start = index
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                // What a colon follows is a name.
                let next = bytes[min(index + 1, bytes.count)...].first { $0 > 0x20 }
                guard next == UInt8(ascii: ":"), index < bytes.count, let object = objects.indices.last else { break }
                let isNew = objects[object].insert(name(bytes[start...index])).inserted
                if !isNew { return true }
            default: break
            }
            index += 1
        }
        return false
    }

    /// A name in its quotes, without escapes.
    private static func name(_ quoted: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard quoted.contains(UInt8(ascii: "\\")),
            let plain = try? JSONDecoder().decode([String].self, from: Data([0x5B] + quoted + [0x5D])).first
        else { return quoted }
        return ArraySlice("\"\(plain)\"".utf8)
    }
}
