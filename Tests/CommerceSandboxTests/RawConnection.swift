import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How a connection ended, seen from a bare socket: URLSession retries some ends and spins on others.
enum ConnectionEnd: Equatable {
    /// The peer finished in order, after these bytes.
    case finished(String)
    case reset(after: String)
    case failed(errno: Int32)
}

/// Sends the text to a port of this machine and reads until the connection ends. Blocks a thread of its own.
///
/// With `thenFinish` the peer is told that nothing more will come.
func exchange(port: Int, _ text: String, thenFinish: Bool = false) async -> ConnectionEnd {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(returning: blockingExchange(port: port, text, thenFinish: thenFinish))
        }
    }
}

private func blockingExchange(port: Int, _ text: String, thenFinish: Bool) -> ConnectionEnd {
    #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue)
    #else
        let kind = SOCK_STREAM
    #endif
    let descriptor = socket(AF_INET, kind, 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    // Unsafe because connect takes any address by pointer: this one lives on the stack for the time of the call.
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            unsafe connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { return .failed(errno: errno) }

    // Unsafe because send and recv take pointers: both get the arrays' own lengths.
    let bytes = Array(text.utf8)
    guard unsafe send(descriptor, bytes, bytes.count, 0) == bytes.count else { return .failed(errno: errno) }
    if thenFinish { shutdown(descriptor, Int32(SHUT_WR)) }
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        let text = String(decoding: received, as: UTF8.self)
        if count == 0 { return .finished(text) }
        if count < 0 { return errno == ECONNRESET ? .reset(after: text) : .failed(errno: errno) }
        received += buffer.prefix(count)
    }
}
