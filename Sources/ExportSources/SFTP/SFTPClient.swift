/// A conversation with an SFTP server: lists a folder and reads files, and changes nothing. To be used by one task.
///
/// It waits for as long as its ends do; whoever gives them to it bounds the time.
struct SFTPClient {
    /// The most names of a folder.
    static let maxNames = 100_000
    /// Requests that are on their way at a time; with 32 KiB each, 2 MiB of a file.
    static let window = 64
    static let piece: UInt32 = 32 << 10

    private let send: (_ bytes: [UInt8]) async throws -> Void
    private let receive: () async throws -> [UInt8]?
    private var framer = SFTPFramer()
    private var lastID: UInt32 = 0

    /// - Parameters:
    ///   - send: writes all of the bytes to the server.
    ///   - receive: the next bytes of the server, however many; nil at their end.
    init(send: @escaping (_ bytes: [UInt8]) async throws -> Void, receive: @escaping () async throws -> [UInt8]?) {
        self.send = send
        self.receive = receive
    }

    /// Agrees on the version; to be called first.
    mutating func begin() async throws {
        try await send(SFTPRequest.greeting)
        guard case (_, .version(let version)) = try await answer() else { throw SFTPError.invalid("no version") }
        guard version == 3 else { throw SFTPError.version(version) }
    }

    /// All entries of a folder but `.` and `..`, in the order of the server.
    mutating func list(_ path: [UInt8]) async throws -> [SFTPName] {
        let handle = try handle(try await ask(.openFolder(path: path)))
        var names: [SFTPName] = []
        // An answer without a name counts, too: there might be no end of them.
        var count = 0
        while true {
            switch try await ask(.readFolder(handle: handle)) {
            case .names(let part):
                names += part.filter { $0.name != Array(".".utf8) && $0.name != Array("..".utf8) }
                count += max(part.count, 1)
                guard count <= Self.maxNames else { throw SFTPError.endless(Self.maxNames) }
            case .status(let status) where status.code == SFTPStatus.endOfFile:
                _ = try await ask(.close(handle: handle))
                return names
            case let other: throw Self.unexpected(other)
            }
        }
    }

    /// The attributes of paths, or the refusals, in the order of the paths.
    mutating func attributes(_ paths: [[UInt8]]) async throws -> [Result<SFTPAttributes, SFTPError>] {
        try await ask(paths.map { .attributes(path: $0) }).map { answer in
            if case .attributes(let attributes) = answer { return .success(attributes) }
            return .failure(Self.unexpected(answer))
        }
    }

    /// Whether paths can be opened as folders, in their order: what tells of a server that sends no types.
    mutating func areFolders(_ paths: [[UInt8]]) async throws -> [Bool] {
        let answers = try await ask(paths.map { .openFolder(path: $0) })
        let handles = answers.compactMap { if case .handle(let handle) = $0 { handle } else { nil } }
        _ = try await ask(handles.map { .close(handle: $0) })
        return answers.map { if case .handle = $0 { true } else { false } }
    }

    /// Opens a file for reading.
    mutating func open(_ path: [UInt8]) async throws -> [UInt8] {
        try handle(try await ask(.openFile(path: path)))
    }

    /// The attributes of an open file; nil if the server does not tell.
    mutating func attributes(ofOpen handle: [UInt8]) async throws -> SFTPAttributes? {
        switch try await ask(.attributesOfOpen(handle: handle)) {
        case .attributes(let attributes): return attributes
        case .status: return nil
        case let other: throw Self.unexpected(other)
        }
    }

    mutating func close(_ handle: [UInt8]) async throws { _ = try await ask(.close(handle: handle)) }

    /// Reads an open file from an offset to its end, with many requests on their way at once.
    ///
    /// - Parameter write: is given the parts in their order.
    mutating func read(
        _ handle: [UInt8], from offset: UInt64, write: (_ part: [UInt8]) async throws -> Void
    ) async throws {
        var reading = SFTPReading(offset: offset, window: Self.window, piece: Self.piece)
        while true {
            while let (id, part) = reading.next(after: &lastID) {
                let request = SFTPRequest.read(handle: handle, offset: part.offset, length: part.length)
                try await send(request.packet(id: id))
            }
            if reading.isOver { return }
            let (id, answer) = try await answer()
            switch answer {
            case .data(let bytes):
                for part in try reading.take(id, .data(bytes)) { try await write(part) }
            case .status(let status) where status.code == SFTPStatus.endOfFile:
                for part in try reading.take(id, .end) { try await write(part) }
            case let other: throw Self.unexpected(other)
            }
        }
    }

    private func handle(_ answer: SFTPAnswer) throws(SFTPError) -> [UInt8] {
        guard case .handle(let handle) = answer else { throw Self.unexpected(answer) }
        return handle
    }

    private static func unexpected(_ answer: SFTPAnswer) -> SFTPError {
        switch answer {
        case .status(let status) where status.code != SFTPStatus.ok: .refused(status)
        default: .invalid("an answer to another question")
        }
    }

    private mutating func ask(_ request: SFTPRequest) async throws -> SFTPAnswer {
        guard let answer = try await ask([request]).first else { throw SFTPError.closed }
        return answer
    }

    /// Sends many requests, a window of them at a time, and returns the answers in their order.
    private mutating func ask(_ requests: [SFTPRequest]) async throws -> [SFTPAnswer] {
        var answers: [SFTPAnswer] = []
        for start in stride(from: 0, to: requests.count, by: Self.window) {
            let part = requests[start..<min(start + Self.window, requests.count)]
            var waiting: [UInt32: Int] = [:]
            var found: [Int: SFTPAnswer] = [:]
            for (place, request) in part.enumerated() {
                lastID &+= 1
                waiting[lastID] = place
                try await send(request.packet(id: lastID))
            }
            while !waiting.isEmpty {
                let (id, answer) = try await answer()
                guard let place = waiting.removeValue(forKey: id) else {
                    throw SFTPError.invalid("an answer that nobody asked for")
                }
                found[place] = answer
            }
            answers += part.indices.compactMap { found[$0 - start] }
        }
        return answers
    }

    private mutating func answer() async throws -> (id: UInt32, SFTPAnswer) {
        while true {
            if let packet = try framer.next() {
                var id: UInt32 = 0
                let answer = try SFTPAnswer(packet, id: &id)
                return (id, answer)
            }
            guard let bytes = try await receive() else { throw SFTPError.closed }
            framer.append(bytes)
        }
    }
}

/// Which parts of a file are asked for, and in which order what comes is passed on.
///
/// A server may answer in any order, and with fewer bytes than were asked for.
struct SFTPReading: Sendable {
    enum Piece: Sendable, Hashable {
        case data([UInt8])
        case end
    }

    private struct Request {
        let id: UInt32
        let offset: UInt64
        let length: UInt32
        var piece: Piece?
    }

    private let window: Int
    private let piece: UInt32
    /// In the order of the file.
    private var requests: [Request] = []
    /// The rest of an answer that was short, to be asked for before anything else.
    private var rest: (offset: UInt64, length: UInt32)?
    private var nextOffset: UInt64
    private var hasEnded = false

    init(offset: UInt64, window: Int, piece: UInt32) {
        nextOffset = offset
        self.window = window
        self.piece = piece
    }

    /// Whether the end was reached and nothing is on its way.
    var isOver: Bool { hasEnded && requests.isEmpty }

    /// The next request to send; nil if enough are on their way.
    mutating func next(after last: inout UInt32) -> (id: UInt32, part: (offset: UInt64, length: UInt32))? {
        if let rest {
            last &+= 1
            requests.insert(Request(id: last, offset: rest.offset, length: rest.length), at: 0)
            self.rest = nil
            return (last, rest)
        }
        guard !hasEnded, requests.count < window else { return nil }
        last &+= 1
        let part = (offset: nextOffset, length: piece)
        requests.append(Request(id: last, offset: nextOffset, length: piece))
        nextOffset += UInt64(piece)
        return (last, part)
    }

    /// Takes an answer, and returns the bytes that can be passed on.
    ///
    /// Throws `SFTPError.invalid` if nobody asked for it, or it is empty or longer than what was asked for.
    mutating func take(_ id: UInt32, _ answer: Piece) throws(SFTPError) -> [[UInt8]] {
        guard let place = requests.firstIndex(where: { $0.id == id && $0.piece == nil }) else {
            throw .invalid("an answer that nobody asked for")
        }
        if case .data(let bytes) = answer, !(1...Int(requests[place].length)).contains(bytes.count) {
            throw .invalid("\(bytes.count) bytes of a file in place of \(requests[place].length)")
        }
        requests[place].piece = answer
        var parts: [[UInt8]] = []
        while rest == nil, let first = requests.first, let piece = first.piece {
            requests.removeFirst()
            switch piece {
            case .end: hasEnded = true
            case .data(let bytes) where hasEnded:
                // The file has grown behind its end; who asked looks at its size afterwards.
                _ = bytes
            case .data(let bytes):
                parts.append(bytes)
                let missing = first.length - UInt32(bytes.count)
                if missing > 0 { rest = (first.offset + UInt64(bytes.count), missing) }
            }
        }
        return parts
    }
}
