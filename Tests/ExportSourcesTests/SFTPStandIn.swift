import TestSupport

@testable import ExportSources

/// A server of SFTP in memory, made from the draft and not from the client, with the oddities of servers that exist.
final class SFTPStandIn {
    struct Entry: Hashable {
        var name: [UInt8]
        var content: [UInt8] = []
        var modified: UInt32 = 1_795_280_400
        var mode: UInt32 = 0o100644
    }

    /// What is left out, or answered in another way.
    struct Oddities: Hashable {
        var listsPermissions = true
        /// Only the nine bits of who may do what.
        var listsTypes = true
        var listsSizes = true
        var listsTimes = true
        /// Whether it tells of one path what it left out of the listing.
        var answersAttributes = true
        var hasMessages = true
        var namesEach = 3
        /// Answers to reads have between one byte and this many.
        var mostEach = 32 << 10
        var extendedAttributes = false
        /// Answers to what came together go back in another order.
        var shuffles = false
        /// In place of the names.
        var listingStatus: UInt32?
    }

    var entries: [Entry]
    var oddities: Oddities
    let folder: [UInt8]
    /// Called before each read; lets a test change the file meanwhile.
    var beforeRead: (SFTPStandIn) -> Void = { _ in }
    private var generator: SeededGenerator
    private var input: [UInt8] = []
    private var pending: [[UInt8]] = []
    private(set) var output: [UInt8] = []
    private var listed: [[UInt8]: Int] = [:]
    private var open: [[UInt8]: [UInt8]] = [:]
    private var handles = 0

    init(_ entries: [Entry], _ oddities: Oddities = Oddities(), folder: String = "/exports", seed: UInt64 = 1) {
        self.entries = entries
        self.oddities = oddities
        self.folder = Array(folder.utf8)
        generator = SeededGenerator(seed: seed)
    }

    /// A client of this server that gets its bytes in pieces of any size.
    func client(damage: @escaping ([UInt8]) -> [UInt8] = { $0 }) -> SFTPClient {
        SFTPClient(
            send: { self.take($0) },
            receive: {
                if self.output.isEmpty { self.flush() }
                guard !self.output.isEmpty else { return nil }
                let count = Int.random(in: 1...min(self.output.count, 40_000), using: &self.generator)
                defer { self.output.removeFirst(count) }
                return damage(Array(self.output.prefix(count)))
            })
    }

    private func take(_ bytes: [UInt8]) {
        input += bytes
        while input.count >= 4 {
            let length = Self.number(input[0..<4])
            guard input.count >= 4 + length else { return }
            let packet = Array(input[4..<4 + length])
            input.removeFirst(4 + length)
            pending.append(packet)
        }
    }

    private func flush() {
        var packets = pending
        pending = []
        if oddities.shuffles { packets.shuffle(using: &generator) }
        for packet in packets {
            let body = answer(packet)
            output += Self.word(UInt32(body.count)) + body
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    static func word(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - $0 * 8)) } }

    static func text(_ bytes: [UInt8]) -> [UInt8] { word(UInt32(bytes.count)) + bytes }

    private func answer(_ packet: [UInt8]) -> [UInt8] {
        if packet[0] == 1 { return [2] + Self.word(3) + Self.text(Array("x@y".utf8)) + Self.text([49]) }
        let id = Array(packet[1..<5])
        let length = Self.number(packet[5..<9])
        let subject = Array(packet[9..<9 + length])
        let rest = packet[(9 + length)...]
        switch packet[0] {
        case 11:
            guard subject == folder || entry(subject).map({ $0.mode & 0o170000 == 0o040000 }) == true else {
                return status(id, entry(subject) == nil ? 2 : 4)
            }
            return [102] + id + Self.text(handle { listed[$0] = 0 })
        case 12:
            if let code = oddities.listingStatus { return status(id, code) }
            guard let start = listed[subject], start < entries.count else { return status(id, 1) }
            let part = entries[start..<min(start + oddities.namesEach, entries.count)]
            listed[subject] = start + part.count
            return [104] + id + Self.word(UInt32(part.count))
                + part.flatMap { Self.text($0.name) + Self.text(Array("what ls may say".utf8)) + attributes($0, true) }
        case 3:
            guard let entry = entry(subject) else { return status(id, 2) }
            return [102] + id + Self.text(handle { open[$0] = entry.name })
        case 5: return read(id, subject, rest)
        case 7, 8:
            let found =
                packet[0] == 7 ? entry(subject) : open[subject].flatMap { name in entries.first { $0.name == name } }
            guard oddities.answersAttributes, let found else { return status(id, 8) }
            return [105] + id + attributes(found, false)
        default: return status(id, 0)
        }
    }

    private func read(_ id: [UInt8], _ handle: [UInt8], _ rest: ArraySlice<UInt8>) -> [UInt8] {
        beforeRead(self)
        let offset = Self.number(rest.prefix(8))
        let asked = Self.number(rest.suffix(4))
        guard let content = entries.first(where: { $0.name == open[handle] })?.content, offset < content.count else {
            return status(id, 1)
        }
        let most = min(asked, content.count - offset, oddities.mostEach)
        let count = oddities.mostEach < 32 << 10 ? Int.random(in: 1...most, using: &generator) : most
        return [103] + id + Self.text(Array(content[offset..<offset + count]))
    }

    private func handle(_ keep: ([UInt8]) -> Void) -> [UInt8] {
        handles += 1
        let handle = Array("h\(handles)".utf8)
        keep(handle)
        return handle
    }

    private func entry(_ path: [UInt8]) -> Entry? {
        guard path.starts(with: folder + [47]) else { return nil }
        return entries.first { $0.name == Array(path.dropFirst(folder.count + 1)) }
    }

    private func status(_ id: [UInt8], _ code: UInt32) -> [UInt8] {
        [101] + id + Self.word(code)
            + (oddities.hasMessages ? Self.text(Array("so\u{1B}it is".utf8)) + Self.text([]) : [])
    }

    private func attributes(_ entry: Entry, _ isListed: Bool) -> [UInt8] {
        var flags: UInt32 = 2
        var bytes: [UInt8] = []
        if !isListed || oddities.listsSizes {
            flags |= 1
            bytes += Self.word(0) + Self.word(UInt32(entry.content.count))
        }
        bytes += Self.word(1000) + Self.word(1000)
        if !isListed || oddities.listsPermissions {
            flags |= 4
            bytes += Self.word(isListed && !oddities.listsTypes ? entry.mode & 0o777 : entry.mode)
        }
        if !isListed || oddities.listsTimes {
            flags |= 8
            bytes += Self.word(1) + Self.word(entry.modified)
        }
        if oddities.extendedAttributes {
            flags |= 0x8000_0000
            bytes += Self.word(1) + Self.text([120]) + Self.text([121])
        }
        return Self.word(flags) + bytes
    }
}
