/// The exports among the entries of a folder behind SFTP.
struct SFTPListing: Sendable {
    private(set) var exports: [RemoteExport] = []
    /// What is odd; parts of sentences.
    private(set) var notices: [String] = []

    /// - Parameter entries: each with its kind.
    init(_ entries: [SFTPName]) {
        var names: Set<String> = []
        // The order of the bytes, so that the names of two that are one text do not depend on the server's order.
        for entry in entries.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            let plain = String(validating: entry.name, as: UTF8.self)
            let name = plain ?? Self.escaped(entry.name)
            guard !entry.name.contains(UInt8(ascii: "/")), !entry.name.contains(0), !entry.name.isEmpty else {
                notices.append("'\(name.oneLine(limit: 100))' is no name of a file, and is left alone")
                continue
            }
            switch entry.attributes.kind {
            case .folder: continue
            case .link:
                notices.append("\(name.oneLine(limit: 100)) is a link, and is left alone; put the file itself there")
                continue
            case .other:
                notices.append("\(name.oneLine(limit: 100)) is not a regular file, and is left alone")
                continue
            case .file, nil: break
            }
            // Texts are the same however their accents are written, bytes are not.
            let unique = names.contains(name) ? Self.escaped(entry.name) : name
            guard names.insert(unique).inserted else {
                notices.append("\(name.oneLine(limit: 100)) is there twice, and one is left alone; rename it")
                continue
            }
            exports.append(export(entry, unique, isPlain: plain == unique && unique.utf8.elementsEqual(entry.name)))
        }
    }

    private mutating func export(_ entry: SFTPName, _ name: String, isPlain: Bool) -> RemoteExport {
        let size = entry.attributes.size.flatMap { Int(exactly: $0) }
        var export = RemoteExport(name: name, size: size)
        if let modified = entry.attributes.modified {
            export.modified = .seconds(Int64(modified))
            export.version = ExportVersion(modified: "\(modified)", size: size)
        } else {
            notices.append("the server tells no times, so that each look fetches every file to see if it has changed")
        }
        if !isPlain { export.bytes = entry.name }
        return export
    }

    /// The bytes with %XX for those that are not ASCII.
    static func escaped(_ name: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF")
        return name.reduce(into: "") { text, byte in
            if byte < 0x80 {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
