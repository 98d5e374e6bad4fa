extension ExportFile {
    /// The SHA-256 of the file's bytes as stored, in hexadecimal; reads the whole file.
    ///
    /// Throws an unreadable `ExportError` where it cannot be read, or changes meanwhile.
    package func sha256() throws -> String {
        var stored = StoredBytes(self)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while try stored.read(into: &buffer, range: buffer.indices) == buffer.count {}
        let digest = stored.sha256()
        try checkUnchanged(bytesRead: stored.count, sha256: digest)
        return digest
    }
}
