#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// C's calls under names that a method of the same name does not hide.
enum System {
    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) -> Int32 {
        // Unsafe only for the C string, which the compiler makes from a whole Swift string.
        #if canImport(Glibc)
            unsafe Glibc.open(path, flags, mode)
        #else
            unsafe Darwin.open(path, flags, mode)
        #endif
    }

    /// Opens a file for writing, empty; -1 with `errno` set on failure.
    static func create(_ path: String) -> Int32 {
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode: 0o600)
    }

    /// Closes a descriptor after its data is on disk; false with `errno` set where either fails.
    static func syncAndClose(_ descriptor: Int32) -> Bool {
        // A pipe or a device has nothing to sync, and says so with EINVAL.
        let isSynced = fsync(descriptor) == 0 || errno == EINVAL
        let code = errno
        close(descriptor)
        errno = code
        return isSynced
    }

    static func close(_ descriptor: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }

    /// The message for the call that failed last.
    static var lastMessage: String { message(errno) }

    /// Gives a file another name, in the place of one that has it; false with `errno` set on failure.
    static func rename(_ old: String, _ new: String) -> Bool {
        // Unsafe only for the C strings, as above.
        #if canImport(Glibc)
            unsafe Glibc.rename(old, new) == 0
        #else
            unsafe Darwin.rename(old, new) == 0
        #endif
    }

    /// Brings the names in a file's folder to the disk; some file systems cannot promise it.
    static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 { _ = syncAndClose(descriptor) }
    }

    /// Takes a file's name away; what is open stays readable.
    static func remove(_ path: String) {
        // Unsafe only for the C string, as above.
        _ = unsafe unlink(path)
    }

    /// Reads at most as many bytes as the buffer holds; -1 with `errno` set on failure.
    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        // The call stays within the buffer it is given.
        #if canImport(Glibc)
            uninterrupted { unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
        #else
            uninterrupted { unsafe Darwin.read(descriptor, buffer.baseAddress, buffer.count) }
        #endif
    }

    /// Reads at an offset, like `read`.
    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        uninterrupted { unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Writes all bytes; false with `errno` set on failure.
    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            #if canImport(Glibc)
                let count = uninterrupted { unsafe Glibc.write(descriptor, rest.baseAddress, rest.count) }
            #else
                let count = uninterrupted { unsafe Darwin.write(descriptor, rest.baseAddress, rest.count) }
            #endif
            guard count >= 0 else { return false }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return true
    }

    /// The message that the system has for an error code.
    static func message(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: 256)
        // strerror_r is the form of strerror that threads may share.
        _ = unsafe strerror_r(code, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? "error \(code)" : String(decoding: bytes, as: UTF8.self)
    }

    private static func uninterrupted(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}
