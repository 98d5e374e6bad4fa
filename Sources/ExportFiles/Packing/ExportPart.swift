/// One export in a file: the file itself, or what is packed in it. Its bytes can be read as often as needed.
struct ExportPart {
    /// What is taken off, from outside in.
    enum Layer: Equatable {
        case packed(Packing)
        /// The file at this position of a zip.
        case entry(Int)
        /// A sheet of a workbook, which is a zip too.
        case sheet(Workbook)
    }

    /// More layers than this are no export.
    private static let mostLayers = 6
    /// A zip with more exports than this is no export.
    static let most = 1000
    /// A zip with more files than this is not looked through.
    private static let mostEntries = 10_000

    let file: ExportFile
    /// What it is opened with, if it is sealed.
    let keys: OpenPGPKeys
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
    ///
    /// - Parameters:
    ///   - sheet: the name of the sheet of a workbook; nil for its first.
    ///   - keys: what sealed exports are opened with.
    static func all(of file: ExportFile, sheet: String?, keys: OpenPGPKeys) throws -> [ExportPart] {
        var found = try ExportPart(file: file, keys: keys, name: file.name).unpacked(sheet)
        // What is not sealed nobody has signed; whether a seal has a right signature shows at its end.
        if keys.signedBy != nil, let unsigned = found.first(where: { !$0.packing.contains(.openPGP) }) {
            throw ExportError(
                .sealed, file: unsigned.name, problem: "it is not signed, and export.signed-by asks for it",
                advice:
                    "have it signed; for rejected records that you have mended yourself: CARTSYNC_EXPORT_SIGNED_BY=none"
            )
        }
        for index in found.indices.dropLast() { found[index].isLast = false }
        return found
    }

    /// The only export of a file; throws a refusal if there are several.
    static func only(of file: ExportFile) throws -> ExportPart {
        let all = try all(of: file, sheet: nil, keys: OpenPGPKeys())
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
            case .sheet(let workbook):
                let outer = Array(layers[..<depth])
                stream = try SheetText(workbook, name: name, spillFolder: file.spoolFolder) { path in
                    try open(path, in: outer)
                }
            case .packed(.gzip): stream = try GzipInflater(stream, name: name)
            case .packed(.openPGP):
                stream = try OpenPGPStream(stream, keys, name: name, size: file.size)
            case .packed(let packing): stream = try ArchiveReader(stream, packing, name: name)
            case .entry(let index):
                let zip = try depth == 1 ? ArchiveReader(zip: file) : ArchiveReader(stream, .zip, name: name)
                for _ in 0...index { _ = try zip.nextEntry() }
                stream = zip
            }
        }
        return stream
    }

    /// Begins to read a file of the zip that is within these layers; nil if there is none of this name.
    private func open(_ path: String, in outer: [Layer]) throws -> ArchiveReader? {
        var zip = self
        zip.layers = outer
        let archive = try zip.archive()
        let wanted = Workbook.partName(path)
        while let entry = try archive.nextEntry() {
            if Workbook.partName(entry.name) == wanted { return archive }
        }
        return nil
    }

    /// The sheet that the export is, if it is one.
    var sheet: Workbook? { if case .sheet(let workbook)? = layers.last { workbook } else { nil } }

    /// How the export is packed, from outside in.
    var packing: [Packing] {
        layers.compactMap { layer in
            if case .packed(let packing) = layer { packing } else { nil }
        }
    }

    /// What is found when one more layer is taken off, and again.
    private func unpacked(_ sheet: String?) throws -> [ExportPart] {
        let stream = try open(StoredBytes(file))
        var start = [UInt8](repeating: 0, count: Packing.signatureSize)
        let count = try stream.read(into: &start, range: start.indices)
        if start.starts(with: Self.compoundFile) {
            throw ExportError(
                .malformed, file: name, problem: "this is a workbook in an old format (.xls), or one with a password",
                advice: "save it as .xlsx without a password, or the sheet as CSV (UTF-8)")
        }
        if let other = OpenPGP.document(start[..<count]) {
            throw ExportError(
                .sealed, file: name, problem: "this is \(other), and no export",
                advice: "have the export itself signed (gpg --sign --encrypt); source.exclude leaves such files alone")
        }
        guard let packing = Packing(start[..<count]) else { return [self] }
        guard layers.count < Self.mostLayers else {
            throw ExportError(
                .packed, file: name, problem: "it is packed again and again, which no export is",
                advice: "find out who made this file before unpacking it anywhere")
        }
        if packing == .zip { return try entries(sheet) }
        var inner = self
        inner.layers.append(.packed(packing))
        return try inner.unpacked(sheet)
    }

    /// Begins to read what these layers make of the file as a zip: by its directory if it is the file itself, else in its
    /// order.
    private func archive() throws -> ArchiveReader {
        guard layers.isEmpty else { return try ArchiveReader(open(StoredBytes(file)), .zip, name: name) }
        return try ArchiveReader(zip: file)
    }

    /// The exports of a zip, or the sheet of a workbook.
    private func entries(_ sheet: String?) throws -> [ExportPart] {
        let zip = try archive()
        var entries: [ArchiveReader.Entry] = []
        while let entry = try zip.nextEntry() {
            guard entries.count < Self.mostEntries else {
                throw refusal("more than \(Self.mostEntries) files are packed in it", "pack the exports only")
            }
            entries.append(entry)
        }
        let names = Set(entries.map { Workbook.partName($0.name) })
        if let main = try Workbook.mainPart(names, of: name, open: { try open($0, in: layers) }) {
            var part = self
            part.layers.append(.sheet(try Workbook(sheet, at: main, of: name) { try open($0, in: layers) }))
            return [part]
        }
        if let document = Self.document(names) {
            throw ExportError(.malformed, file: name, problem: document.problem, advice: document.advice)
        }
        var found: [ExportPart] = []
        for (index, entry) in entries.enumerated() where entry.kind != .folder && !Self.isLeftAlone(entry.name) {
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
            part.layers += [.packed(.zip), .entry(index)]
            part.name = "\(name)/\(entry.name)"
            found.append(part)
        }
        guard !found.isEmpty else {
            throw refusal("no export is packed in it", "find out why nothing was packed, and pack it again")
        }
        guard found.count <= Self.most else {
            throw refusal("more than \(Self.most) exports are packed in it", "write them into fewer files")
        }
        return try found.flatMap { try $0.unpacked(sheet) }
    }

    private func refusal(_ problem: String, _ advice: String) -> ExportError {
        ExportError(.packed, file: name, problem: problem, advice: advice)
    }

    /// Whether a file of a zip is what desktops add, or hidden.
    private static func isLeftAlone(_ name: String) -> Bool {
        name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains { part in
            part.hasPrefix(".") && part != "." && part != ".." || part == "__MACOSX"
        }
    }

    /// What begins old documents of Office, and new ones with a password.
    private static let compoundFile: [UInt8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]

    /// Why a document that is a zip inside is no export, by the names in it as they are compared; nil if it is none.
    private static func document(_ names: Set<String>) -> (problem: String, advice: String)? {
        if names.contains("xl/workbook.bin") {
            return ("this is a binary workbook (.xlsb)", "save it as .xlsx, or the sheet as CSV (UTF-8)")
        }
        if names.contains("mimetype"), names.contains("content.xml") {
            return ("this is an OpenDocument file (.ods)", "save it as .xlsx, or the sheet as CSV (UTF-8)")
        }
        guard names.contains("[content_types].xml") else { return nil }
        return ("this is a document of Office, and no workbook", "save the table as CSV (UTF-8)")
    }
}
