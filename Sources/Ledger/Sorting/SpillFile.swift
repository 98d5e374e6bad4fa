import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A nameless temporary file in the state folder: it disappears with the process, however that ends.
final class SpillFile {
    private let folder: String
    private let descriptor: Int32

    init(folder: String) throws(LedgerError) {
        self.folder = folder
        var template = Array((folder + "/.sort-XXXXXX").utf8CString)
        // Unsafe because mkstemp writes the name into the buffer, which has exactly the template's length.
        descriptor = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return -1 }
            let descriptor = unsafe mkstemp(base)
            if descriptor >= 0 { _ = unsafe unlink(base) }
            return descriptor
        }
        guard descriptor >= 0 else { throw StateFolder.failure(folder, "make a temporary file") }
    }

    deinit {
        _ = close(descriptor)
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(LedgerError) {
        var done = 0
        while done < bytes.count {
            // Unsafe because the C call takes an address and a length; both come from the same array.
            let count = unsafe bytes[done...].withUnsafeBytes { rest in
                unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            }
            if count < 0 && errno == EINTR { continue }
            if count == 0 { errno = ENOSPC }
            guard count > 0 else { throw StateFolder.failure(folder, "write a temporary file") }
            done += count
        }
    }

    /// Reads `count` bytes behind the first `used` of the buffer.
    func read(_ count: Int, at offset: Int, into buffer: inout [UInt8], after used: Int) throws(LedgerError) {
        var done = 0
        while done < count {
            // Unsafe because the C call takes an address and a length; both come from the same array.
            let read = unsafe buffer[(used + done)..<(used + count)].withUnsafeMutableBytes { rest in
                unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            }
            if read < 0 && errno == EINTR { continue }
            if read == 0 { errno = EIO }
            guard read > 0 else { throw StateFolder.failure(folder, "read a temporary file") }
            done += read
        }
    }
}
