import Crypto
import DurableFiles

/// What tells the bytes of one export from those of another, whether it is one file or several.
package enum ExportBytes {
    /// The SHA-256 of each file in hexadecimal, in the order of the paths; a symbolic link is not followed.
    ///
    /// Throws `ExportError` if one cannot be read.
    package static func digests(_ files: [String], spoolFolder: String) throws -> [String] {
        try files.map { try ExportFile.open($0, spoolFolder: spoolFolder, followingLinks: false).sha256() }
    }

    /// The SHA-256 of a file, or that of the digests of several, in hexadecimal.
    ///
    /// Throws `ExportError` if one cannot be read.
    package static func digest(_ files: [String], spoolFolder: String) throws -> String {
        let digests = try digests(files, spoolFolder: spoolFolder)
        guard digests.count > 1 else { return digests.first ?? "" }
        return Hex.text(SHA256.hash(data: Array(digests.joined(separator: "\n").utf8)))
    }
}
