import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The kernel's lock on a state folder: it ends with the process, however that ends, so it is never stale.
final class FolderLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Takes the lock, or says which process has it.
    init(path: String, folder: String) throws(LedgerError) {
        // Unsafe here and below because C takes the path as a pointer, and only during the call.
        let opened = unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw StateFolder.failure(path, "open the lock of the state folder") }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.holder(opened)
            _ = close(opened)
            guard code == EWOULDBLOCK else {
                errno = code
                throw StateFolder.failure(path, "lock the state folder")
            }
            throw LedgerError(
                .locked, path: folder, problem: "the state folder is in use by \(holder)",
                advice: "wait until it ends, or choose another folder with --state")
        }
        descriptor = Mutex(opened)
        let text = Array("\(getpid())\n".utf8)
        // Only a courtesy to the next process: the lock holds whether or not this can be written.
        // Unsafe because the C call takes an address and a length; both come from the same array.
        if fchmod(opened, 0o600) == 0, ftruncate(opened, 0) == 0 {
            _ = unsafe text.withUnsafeBytes { unsafe pwrite(opened, $0.baseAddress, $0.count, 0) }
        }
    }

    deinit { release() }

    func release() {
        descriptor.withLock { held in
            if let held { _ = close(held) }
            held = nil
        }
    }

    /// Who wrote its number into the lock file.
    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        // Unsafe because the C call takes an address and a length; both come from the same array.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        guard let process = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else { return "another process" }
        return process == Int(getpid()) ? "this process" : "process \(process)"
    }
}
