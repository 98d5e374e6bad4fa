/// What is asked of an SFTP server: the requests of version 3 that only read.
///
/// https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02
enum SFTPRequest: Sendable, Hashable {
    case openFolder(path: [UInt8])
    case readFolder(handle: [UInt8])
    case openFile(path: [UInt8])
    /// At most 32 KiB, which every server gives (draft, 3).
    case read(handle: [UInt8], offset: UInt64, length: UInt32)
    /// Of a path, without following a link.
    case attributes(path: [UInt8])
    case attributesOfOpen(handle: [UInt8])
    case close(handle: [UInt8])

    /// The packet that begins a session, in place of a request: version 3, no extensions.
    static let greeting = Self.framed([1, 0, 0, 0, 3])

    /// The packet with its length in front.
    ///
    /// - Parameter id: what the answer will have, too.
    func packet(id: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        func begin(_ kind: UInt8, _ text: [UInt8]) {
            bytes.append(kind)
            bytes.append(bigEndian: id)
            bytes.append(bigEndian: UInt32(text.count))
            bytes += text
        }
        switch self {
        case .openFolder(let path): begin(11, path)
        case .readFolder(let handle): begin(12, handle)
        case .openFile(let path):
            begin(3, path)
            bytes.append(bigEndian: UInt32(1))  // SSH_FXF_READ
            bytes.append(bigEndian: UInt32(0))  // attributes, of which a reader has none to give
        case .read(let handle, let offset, let length):
            begin(5, handle)
            bytes.append(bigEndian: offset)
            bytes.append(bigEndian: length)
        case .attributes(let path): begin(7, path)
        case .attributesOfOpen(let handle): begin(8, handle)
        case .close(let handle): begin(4, handle)
        }
        return Self.framed(bytes)
    }

    private static func framed(_ body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(body.count))
        return bytes + body
    }
}

/// What an SFTP server answers.
enum SFTPAnswer: Sendable, Hashable {
    /// The version that it speaks; it answers the greeting and has no id.
    case version(UInt32)
    case status(SFTPStatus)
    case handle([UInt8])
    case data([UInt8])
    case names([SFTPName])
    case attributes(SFTPAttributes)

    /// Reads a packet without its length; the id is 0 if the answer has none.
    ///
    /// Throws `SFTPError.invalid` if it is not whole, or has more than its kind allows.
    init(_ packet: [UInt8], id: inout UInt32) throws(SFTPError) {
        var reader = SFTPReader(packet[...])
        let kind = try reader.byte()
        id = kind == 2 ? 0 : try reader.number()
        switch kind {
        case 2: self = .version(try reader.number())
        case 101:
            let code = try reader.number()
            // Some servers leave out the text, or its language.
            let message = reader.isAtEnd ? [] : try reader.text()
            self = .status(SFTPStatus(code: code, message: String(decoding: message, as: UTF8.self)))
        case 102:
            let handle = try reader.text()
            // Longer ones are forbidden (draft, 6.3).
            guard handle.count <= 256 else { throw .invalid("a handle of \(handle.count) bytes") }
            self = .handle(handle)
        case 103: self = .data(try reader.text())
        case 104:
            var names: [SFTPName] = []
            for _ in 0..<(try reader.number()) {
                let name = try reader.text()
                // The line of `ls` that a server makes of it has no set form.
                _ = try reader.text()
                names.append(SFTPName(name: name, attributes: try reader.attributes()))
            }
            guard reader.isAtEnd else { throw .invalid("more names than it counts") }
            self = .names(names)
        case 105: self = .attributes(try reader.attributes())
        default: throw .invalid("an answer of the kind \(kind)")
        }
    }
}

/// How a request ended.
struct SFTPStatus: Sendable, Hashable {
    let code: UInt32
    /// In the words of the server, which may be any.
    let message: String

    static let ok: UInt32 = 0
    static let endOfFile: UInt32 = 1
    static let noSuchFile: UInt32 = 2
    static let permissionDenied: UInt32 = 3

    /// What happened, in a few printable words.
    var words: String {
        let known = [
            2: "no such file", 3: "permission denied", 4: "failure", 5: "bad message", 6: "no connection",
            7: "connection lost", 8: "operation unsupported",
        ]
        let name = known[Int(code)] ?? "status \(code)"
        let said = message.oneLine(limit: 200)
        return said.isEmpty || said.lowercased() == name ? name : "\(name) ('\(said)')"
    }
}

/// An entry of a folder.
struct SFTPName: Sendable, Hashable {
    /// Any bytes.
    let name: [UInt8]
    var attributes: SFTPAttributes
}

/// What a server says of a file. Each part may be missing.
struct SFTPAttributes: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case file, folder, link, other
    }

    var size: UInt64?
    /// The mode of the file, with the bits of its type if the server sends those.
    var permissions: UInt32?
    /// Seconds since 1970.
    var modified: UInt32?

    /// Nil if the server does not tell.
    var kind: Kind? {
        switch (permissions ?? 0) & 0o170000 {
        case 0: nil
        case 0o100000: .file
        case 0o040000: .folder
        case 0o120000: .link
        default: .other
        }
    }
}

/// Takes the parts of a packet from its front.
private struct SFTPReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() throws(SFTPError) -> UInt8 { try take(1).first ?? 0 }

    mutating func number() throws(SFTPError) -> UInt32 { try take(4).reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func longNumber() throws(SFTPError) -> UInt64 { try take(8).reduce(0) { $0 << 8 | UInt64($1) } }

    mutating func text() throws(SFTPError) -> [UInt8] { Array(try take(Int(number()))) }

    mutating func attributes() throws(SFTPError) -> SFTPAttributes {
        var attributes = SFTPAttributes()
        let flags = try number()
        if flags & 1 != 0 { attributes.size = try longNumber() }
        if flags & 2 != 0 { _ = try take(8) }
        if flags & 4 != 0 { attributes.permissions = try number() }
        if flags & 8 != 0 {
            _ = try number()
            attributes.modified = try number()
        }
        if flags & 0x8000_0000 != 0 {
            for _ in 0..<(try number()) {
                _ = try text()
                _ = try text()
            }
        }
        guard flags & 0x7FFF_FFF0 == 0 else { throw .invalid("attributes that version 3 does not have") }
        return attributes
    }

    private mutating func take(_ count: Int) throws(SFTPError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .invalid("a packet that ends too early") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}

/// Cuts the bytes that a server sends into packets.
struct SFTPFramer: Sendable {
    /// The most bytes of a packet, as OpenSSH has it.
    static let limit = 256 << 10

    private var bytes: [UInt8] = []
    private var start = 0

    mutating func append(_ more: some Sequence<UInt8>) {
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// The next packet without its length; nil if it is not whole yet.
    ///
    /// Throws `SFTPError.invalid` for one that is empty or too long.
    mutating func next() throws(SFTPError) -> [UInt8]? {
        guard bytes.count - start >= 4 else { return nil }
        let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard (1...Self.limit).contains(length) else {
            // Four letters in place of a length: a shell's greeting came first.
            let text = bytes[start...].prefix(80)
            if text.prefix(4).allSatisfy({ (0x20...0x7E).contains($0) || $0 == 10 || $0 == 13 }) {
                // Behind the line there may already be what the server says by the protocol.
                let line = text.drop { $0 == 10 || $0 == 13 }.prefix { $0 != 10 && $0 != 13 }
                throw .talk(String(decoding: line, as: UTF8.self).oneLine(limit: 80))
            }
            throw .invalid("a packet of \(length) bytes")
        }
        guard bytes.count - start >= 4 + length else { return nil }
        defer { start += 4 + length }
        return Array(bytes[start + 4..<start + 4 + length])
    }
}

/// Why a conversation with an SFTP server ended.
enum SFTPError: Error, Sendable, Hashable {
    /// The server, or the program that leads to it, has ended.
    case closed
    /// It sends what SFTP does not have; completes "it sent …".
    case invalid(String)
    /// It sends text in place of SFTP.
    case talk(String)
    /// It speaks another version.
    case version(UInt32)
    /// A request was refused.
    case refused(SFTPStatus)
    /// A folder does not end within so many names.
    case endless(Int)
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian number: some FixedWidthInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

extension String {
    /// At most so many characters on one line, all of them printable.
    func oneLine(limit: Int) -> String {
        let scalars = unicodeScalars.prefix(limit * 4).map { (scalar) -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: " "
            default: scalar
            }
        }
        let line = String(String.UnicodeScalarView(scalars)).split(separator: " ").joined(separator: " ")
        return line.count > limit ? line.prefix(limit) + "…" : line
    }
}
