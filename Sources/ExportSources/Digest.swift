import Crypto
import Foundation

/// Digests of files.
enum Digest {
    /// The SHA-256 of a file's content in hexadecimal digits; the file is read in pieces.
    static func sha256(ofFile path: String) throws(SourceError) -> String {
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            var digest = SHA256()
            while let bytes = try file.read(upToCount: 1 << 20), !bytes.isEmpty { digest.update(data: bytes) }
            return hex(digest.finalize())
        } catch {
            throw SourceError("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
