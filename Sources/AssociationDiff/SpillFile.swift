#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A temporary file that could not be made, written or read; the folder is full, missing or read-only.
package struct SpillError: Error, Equatable, CustomStringConvertible {
    package let folder: String
    /// What failed, for instance `write`.
    package let operation: String
    /// The system's error number.
    package let code: Int32

    package var description: String {
        // Unsafe because the text belongs to the C library; it is copied before any other call.
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return "\(folder): cannot \(operation) a temporary file for the comparison: \(reason); "
            + "free space there or choose another state folder, then run the same command again"
    }
}

/// A nameless temporary file: it disappears with the process, however that ends.
struct SpillFile: ~Copyable {
    private let folder: String
    private let descriptor: Int32

    init(folder: String) throws(SpillError) {
        self.folder = folder
        var template = Array((folder + "/.spill-XXXXXX").utf8CString)
        // Unsafe because mkstemp writes the name into the buffer, which has exactly the template's length.
        descriptor = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return -1 }
            let descriptor = unsafe mkstemp(base)
            if descriptor >= 0 { _ = unsafe unlink(base) }
            return descriptor
        }
        guard descriptor >= 0 else { throw SpillError(folder: folder, operation: "create", code: errno) }
    }

    deinit {
        _ = close(descriptor)
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(SpillError) {
        // Unsafe because the C call takes an address and a length; both come from the same span.
        try unsafe bytes.withUnsafeBytes { buffer throws(SpillError) in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
                let count = unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure("write", count == 0 ? ENOSPC : errno) }
                done += count
            }
        }
    }

    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(SpillError) {
        // Unsafe because the C call takes an address and a length; both come from the same span.
        try unsafe bytes.withUnsafeMutableBytes { buffer throws(SpillError) in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let count = unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure("read", count == 0 ? EIO : errno) }
                done += count
            }
        }
    }

    private func failure(_ operation: String, _ code: Int32) -> SpillError {
        SpillError(folder: folder, operation: operation, code: code)
    }
}
