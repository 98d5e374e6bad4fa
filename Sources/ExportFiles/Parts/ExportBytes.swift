import Crypto
import DurableFiles

extension OpenedExports {
    /// The SHA-256 of each file in hexadecimal, in their order.
    ///
    /// Throws `ExportError` if one cannot be read.
    package func digests() throws -> [String] { try files.map { try $0.sha256() } }

    /// What tells the bytes of one export from those of another, whether it is one file or several: the SHA-256 of the file,
    /// or that of the digests of several, in hexadecimal.
    ///
    /// Throws `ExportError` if one cannot be read.
    package func digest() throws -> String {
        let digests = try digests()
        guard digests.count > 1 else { return digests.first ?? "" }
        return Hex.text(SHA256.hash(data: Array(digests.joined(separator: "\n").utf8)))
    }
}
