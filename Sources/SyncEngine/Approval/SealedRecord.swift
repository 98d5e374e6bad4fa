import Foundation

/// A small file that is believed: a line of JSON, and a line with a seal over that line and the file's name.
enum SealedRecord {
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }

    /// The bytes of the file.
    ///
    /// - Parameters:
    ///   - name: the file's name without a folder, so that no record stands for another.
    ///   - key: of `Seal.Purpose.approvals`.
    static func bytes(of value: some Encodable, name: String, key: [UInt8]) throws -> [UInt8] {
        let line = Array(try encoder.encode(value))
        return line + [newline] + Array(seal(line, name, key).text.utf8) + [newline]
    }

    /// The value in a file; nil if it is not byte by byte as it was written.
    static func value<Value: Decodable>(in bytes: [UInt8], name: String, key: [UInt8]) -> Value? {
        guard bytes.last == newline, let end = bytes.firstIndex(of: newline), end < bytes.count - 1 else { return nil }
        let line = Array(bytes[..<end])
        guard seal(line, name, key).matches(String(decoding: bytes[(end + 1)...].dropLast(), as: UTF8.self)) else {
            return nil
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(Value.self, from: Data(line))
    }

    private static let newline = UInt8(ascii: "\n")

    private static func seal(_ line: [UInt8], _ name: String, _ key: [UInt8]) -> Seal {
        var seal = Seal(key: key)
        seal.add(Array(name.utf8) + [newline])
        seal.add(line)
        return seal
    }
}
