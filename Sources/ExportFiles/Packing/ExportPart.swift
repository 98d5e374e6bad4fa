/// One export in a file: the file itself, or what is packed in it. Its bytes can be read as often as needed.
struct ExportPart {
    /// What is taken off, from outside in.
    enum Layer: Equatable {
        case packed(Packing)
        /// The file at this position of a zip.
        case entry(Int)
    }

    /// More layers than this are no export.
    private static let mostLayers = 6
    /// A zip with more exports than this is no export.
    static let most = 1000
    /// A zip with more files than this is not looked through.
    private static let mostEntries = 10_000

    let file: ExportFile
    /// What the export is called in messages: the file's name, and behind it that of the file in a zip.
    private(set) var name: String
    /// What it is called within its file; empty if it is all of it.
    var nameInFile: String { String(name.dropFirst(file.name.count + 1)) }
    private(set) var layers: [Layer] = []
    /// Whether it is the last export of its file.
    private(set) var isLast = true

    /// The exports of a file, by what its bytes show: more than one only in a zip.
    ///
    /// Throws `ExportError` if there are none, or what is packed cannot be trusted.
    static func all(of file: ExportFile) throws -> [ExportPart] {
        var found = try ExportPart(file: file, name: file.name).unpacked()
        for index in found.indices.dropLast() { found[index].isLast = false }
        return found
    }

    /// The only export of a file; throws a refusal if there are several.
    static func only(of file: ExportFile) throws -> ExportPart {
        let all = try all(of: file)
        guard let only = all.first, all.count == 1 else {
            throw ExportError(
                .packed, file: file.name, problem: "\(all.count) files are packed in it, where one is meant",
                advice: "give one of them")
        }
        return only
    }

    /// Begins to read the export's bytes, through those of its file as far as their order serves.
    func open(_ stored: StoredBytes) throws -> any ByteStream {
        var stream: any ByteStream = stored
        for (depth, layer) in layers.enumerated() {
            switch layer {
            case .packed(.zip): break
            case .packed(.gzip): stream = try GzipInflater(stream, name: name)
            case .packed(let packing): stream = try ArchiveReader(stream, packing, name: name)
            case .entry(let index):
                let zip = try Self.zip(depth == 1 ? nil : stream, file, name)
                for _ in 0...index { _ = try zip.nextEntry() }
                stream = zip
            }
        }
        return stream
    }

    /// How the export is packed, from outside in.
    var packing: [Packing] {
        layers.compactMap { layer in
            if case .packed(let packing) = layer { packing } else { nil }
        }
    }

    /// What is found when one more layer is taken off, and again.
    private func unpacked() throws -> [ExportPart] {
        let stream = try open(StoredBytes(file))
        var start = [UInt8](repeating: 0, count: Packing.signatureSize)
        let count = try stream.read(into: &start, range: start.indices)
        guard let packing = Packing(start[..<count]) else { return [self] }
        guard layers.count < Self.mostLayers else {
            throw ExportError(
                .packed, file: name, problem: "it is packed again and again, which no export is",
                advice: "find out who made this file before unpacking it anywhere")
        }
        var inner = self
        inner.layers.append(.packed(packing))
        return packing == .zip ? try inner.entries() : try inner.unpacked()
    }

    /// The exports of a zip.
    private func entries() throws -> [ExportPart] {
        let zip = try Self.zip(layers.count == 1 ? nil : open(StoredBytes(file)), file, name)
        var found: [ExportPart] = []
        var names: [String] = []
        while let entry = try zip.nextEntry() {
            guard zip.entries <= Self.mostEntries else {
                throw refusal("more than \(Self.mostEntries) files are packed in it", "pack the exports only")
            }
            names.append(entry.name)
            if names.count == 1, let advice = Self.advice(on: entry.name) { throw advice(name) }
            guard entry.kind != .folder, !Self.isLeftAlone(entry.name) else { continue }
            guard entry.kind == .file else {
                throw refusal(
                    "\(entry.name) is a link or a device, and no file", "pack what it stands for (zip without -y)")
            }
            guard !entry.isEncrypted else {
                throw refusal(
                    "\(entry.name) is encrypted with a password, which is not read",
                    "have it packed without one, and sent over SFTP or TLS")
            }
            var part = self
            part.layers.append(.entry(zip.entries - 1))
            part.name = "\(name)/\(entry.name)"
            found.append(part)
        }
        guard !found.isEmpty else {
            throw refusal("no export is packed in it", "find out why nothing was packed, and pack it again")
        }
        guard found.count <= Self.most else {
            throw refusal("more than \(Self.most) exports are packed in it", "write them into fewer files")
        }
        return try found.flatMap { try $0.unpacked() }
    }

    private func refusal(_ problem: String, _ advice: String) -> ExportError {
        ExportError(.packed, file: name, problem: problem, advice: advice)
    }

    /// Begins to read a zip: by its directory if it is the file itself, else in its order.
    private static func zip(_ stream: (any ByteStream)?, _ file: ExportFile, _ name: String) throws -> ArchiveReader {
        if let stream { try ArchiveReader(stream, .zip, name: name) } else { try ArchiveReader(zip: file) }
    }

    /// Whether a file of a zip is what desktops add, or hidden.
    private static func isLeftAlone(_ name: String) -> Bool {
        name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains { part in
            part.hasPrefix(".") && part != "." && part != ".." || part == "__MACOSX"
        }
    }

    /// The refusal of a document that is a zip inside, by the first file in it; nil if it is none.
    private static func advice(on first: String) -> ((String) -> ExportError)? {
        guard ["[Content_Types].xml", "mimetype", "_rels/.rels"].contains(first) else { return nil }
        return { name in
            ExportError(
                .malformed, file: name, problem: "this is a spreadsheet's own format",
                advice: "save the sheet as CSV (UTF-8)")
        }
    }
}
