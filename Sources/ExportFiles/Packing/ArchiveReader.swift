import CLibArchive

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads what libarchive unpacks: a bzip2 or zstd stream, or the files of a zip one after the other.
///
/// What is not whole, has a checksum that disagrees, or bytes behind it, is refused at its end at the latest.
///
/// Unsafe storage: libarchive's reader is made in `init` and freed in `deinit`, and never leaves this class. It calls
/// back only during calls of its functions, when `self` is alive; what it is given to read lies in `input`, which stays
/// as it is until it asks for more.
@safe final class ArchiveReader: ByteStream {
    /// A file of a zip.
    struct Entry {
        enum Kind { case file, folder, other }

        /// Its path as the zip has it, without control characters.
        let name: String
        let kind: Kind
        let isEncrypted: Bool
    }

    private enum Source {
        /// Bytes in their order only.
        case stream(any ByteStream)
        /// A file, in which a zip's directory is looked up first.
        case file(ExportFile)
    }

    private let source: Source
    /// What is read, for messages.
    private let name: String
    private let kind: Packing
    private let archive: OpaquePointer
    private let input: UnsafeMutablePointer<UInt8>
    private var block = [UInt8](repeating: 0, count: 1 << 17)
    /// How many bytes of `input` libarchive was given last.
    private var given = 0
    /// How many bytes it was given in all, and where in a file the next ones are read.
    private var total = 0
    private var position = 0
    private var limit = ExpansionLimit()
    /// What reading the source threw.
    private var failure: (any Error)?
    private var isOver = false

    /// Begins to read a stream; a zip too can be read so, where nothing but its order is there.
    ///
    /// Throws a refusal if the bytes are no such thing.
    convenience init(_ packed: any ByteStream, _ kind: Packing, name: String) throws {
        try self.init(.stream(packed), kind, name: name)
    }

    /// Begins to read a zip file by the directory at its end, without which it is refused.
    convenience init(zip file: ExportFile) throws {
        try self.init(.file(file), .zip, name: file.name)
    }

    private init(_ source: Source, _ kind: Packing, name: String) throws {
        self.source = source
        self.kind = kind
        self.name = name
        guard let archive = unsafe archive_read_new() else {
            throw ExportError(
                .packed, file: name, problem: "libarchive does not start", advice: "install libarchive again")
        }
        unsafe self.archive = archive
        unsafe input = .allocate(capacity: block.count)
        switch kind {
        case .bzip2:
            _ = unsafe archive_read_support_filter_bzip2(archive)
            _ = unsafe archive_read_support_format_raw(archive)
        case .zstd:
            _ = unsafe archive_read_support_filter_zstd(archive)
            _ = unsafe archive_read_support_format_raw(archive)
        case .zip, .gzip, .openPGP:
            if case .file = source {
                _ = unsafe archive_read_support_format_zip_seekable(archive)
                _ = unsafe archive_read_set_seek_callback(archive) { _, reader, offset, whence in
                    guard let reader = unsafe reader else { return Int64(ARCHIVE_FATAL) }
                    return unsafe Unmanaged<ArchiveReader>.fromOpaque(reader)._withUnsafeGuaranteedRef {
                        Int64($0.seek(Int(offset), whence))
                    }
                }
            } else {
                _ = unsafe archive_read_support_format_zip_streamable(archive)
            }
        }
        _ = unsafe archive_read_set_read_callback(archive) { _, reader, bytes in
            guard let reader = unsafe reader, let bytes = unsafe bytes else { return -1 }
            return unsafe Unmanaged<ArchiveReader>.fromOpaque(reader)._withUnsafeGuaranteedRef {
                let count = $0.refill()
                unsafe bytes.pointee = UnsafeRawPointer($0.input)
                return count
            }
        }
        _ = unsafe archive_read_set_callback_data(archive, Unmanaged.passUnretained(self).toOpaque())
        try check(unsafe archive_read_open1(archive))
        // A stream that is unpacked is one file, without a name.
        if kind != .zip { isOver = try nextEntry() == nil }
    }

    deinit {
        _ = unsafe archive_read_free(archive)
        unsafe input.deallocate()
    }

    /// Goes on to the next file of a zip; nil after the last one.
    func nextEntry() throws -> Entry? {
        var entry: OpaquePointer?
        let status = unsafe archive_read_next_header(archive, &entry)
        if status == ARCHIVE_EOF {
            if kind == .zip, case .stream = source { try checkDirectory() }
            return nil
        }
        // A name that this locale cannot have is no fault of the file.
        try check(status, allowing: ARCHIVE_WARN)
        guard kind == .zip, let entry = unsafe entry else {
            return Entry(name: name, kind: .file, isEncrypted: false)
        }
        entries += 1
        let text = unsafe archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry)
        let path = unsafe text.map { unsafe String(cString: $0) } ?? "a file without a name"
        return Entry(
            name: Self.shown(path), kind: unsafe Self.kind(of: entry),
            isEncrypted: unsafe archive_entry_is_encrypted(entry) != 0)
    }

    private static func kind(of entry: OpaquePointer) -> Entry.Kind {
        switch unsafe archive_entry_filetype(entry) {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .other
        }
    }

    /// The files met so far.
    private(set) var entries = 0

    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        var filled = range.lowerBound
        while filled < range.upperBound, !isOver {
            // libarchive writes no more than the range has.
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe archive_read_data(
                    archive, bytes.baseAddress.map { unsafe $0 + filled }, range.upperBound - filled)
            }
            guard count >= 0 else { throw refusal(Int32(truncatingIfNeeded: count)) }
            if count == 0 {
                isOver = true
                if kind != .zip { try checkNothingFollows() }
            }
            filled += count
            try limit.add(count, from: total, of: name)
        }
        return filled - range.lowerBound
    }

    // MARK: What libarchive asks for

    private func refill() -> Int {
        do {
            switch source {
            case .stream(let stream):
                given = try stream.read(into: &block, range: 0..<block.count)
            case .file(let file):
                var span = block.mutableSpan
                given = try file.read(into: &span, at: position)
            }
        } catch {
            failure = error
            given = 0
            return -1
        }
        // `input` has room for the block.
        for index in 0..<given { unsafe input[index] = block[index] }
        total += given
        position += given
        return given
    }

    private func seek(_ offset: Int, _ whence: Int32) -> Int {
        guard case .file(let file) = source else { return Int(ARCHIVE_FATAL) }
        let start = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : file.size
        position = min(max(0, start + offset), file.size)
        return position
    }

    // MARK: What is refused

    private func check(_ status: Int32, allowing worst: Int32 = ARCHIVE_OK) throws {
        if let failure { throw failure }
        guard status >= worst else { throw refusal(status) }
    }

    private func refusal(_ status: Int32) -> any Error {
        if let failure { return failure }
        let message = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "error \(status)"
        return damaged("the \(kind.rawValue) is cut or damaged (\(Self.shown(message)))")
    }

    private func damaged(_ problem: String) -> ExportError {
        ExportError(.packed, file: name, problem: problem, advice: "pack or copy the export again, all of it")
    }

    /// Throws if anything but zeros stands behind a stream that has ended.
    private func checkNothingFollows() throws {
        var rest = total - Int(unsafe archive_filter_bytes(archive, -1))
        while true {
            let isPadding = rest <= given && block[(given - rest)..<given].allSatisfy { $0 == 0 }
            guard isPadding else {
                throw ExportError(
                    .packed, file: name,
                    problem: "the \(kind.rawValue) stream is whole, and bytes that are none stand behind it",
                    advice: "find out what added them, then compress or copy the export again")
            }
            guard refill() > 0 else { break }
            rest = given
        }
        if let failure { throw failure }
    }

    /// Throws unless a zip that was read in its order ends with its directory, and the directory has as many files.
    private func checkDirectory() throws {
        var tail = Array(block[..<given])
        while refill() > 0 {
            tail += block[..<given]
            // The directory's end is 22 bytes and a comment of 64 KiB at most.
            if tail.count > 1 << 18 { tail.removeFirst(tail.count - (1 << 17)) }
        }
        if let failure { throw failure }
        let ends = tail.indices.dropLast(21).reversed().lazy.filter { [tail] at in
            tail[at...].starts(with: Array("PK\u{5}\u{6}".utf8))
                && Int(tail[at + 20]) | Int(tail[at + 21]) << 8 == tail.count - at - 22
        }
        guard let end = ends.first else { throw damaged("the zip is cut: the directory at its end is missing") }
        let count = Int(tail[end + 10]) | Int(tail[end + 11]) << 8
        guard count == 0xFFFF || count == entries & 0xFFFF else {
            throw damaged("the zip is damaged: it has \(entries) files, and its directory \(count)")
        }
    }

    /// A text from a file as it can be shown: short, and without control characters.
    private static func shown(_ text: String) -> String {
        let plain = text.unicodeScalars.map { scalar in
            [.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
                ? "\u{FFFD}" : scalar
        }
        return String(String.UnicodeScalarView(plain.prefix(200)))
    }
}
