import Crypto
import DurableFiles
import Foundation

/// Digests of files.
enum Digest {
    /// The SHA-256 of a file's content in hexadecimal digits; the file is read in pieces.
    static func sha256(ofFile path: String) throws(SourceError) -> String {
        do throws(FileError) {
            let file = try OpenFile(path, for: .reading)
            var digest = SHA256()
            var piece = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                var span = piece.mutableSpan
                let count = try file.read(into: &span)
                if count == 0 { return Hex.text(digest.finalize()) }
                digest.update(data: piece[..<count])
            }
        } catch {
            throw SourceError("\(path) cannot be read: \(error.reason)")
        }
    }
}
