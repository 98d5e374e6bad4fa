import Crypto
package import DurableFiles
import Foundation

/// A checksum of an export in a small file beside it, as `sha256sum` and its like write it.
package struct ExportChecksum: Sendable, Equatable {
    enum Kind: String, CaseIterable {
        case sha256, sha512, sha1, md5

        /// The hexadecimal digits of one.
        var digits: Int {
            switch self {
            case .md5: 32
            case .sha1: 40
            case .sha256: 64
            case .sha512: 128
            }
        }
    }

    /// No file of checksums is longer, in bytes.
    private static let mostBytes = 8 << 20

    private let kind: Kind
    /// In lowercase hexadecimal.
    private let digest: String
    private let path: String

    /// Reads the checksums beside an export: `NAME.sha256`, `NAME.sha512`, `NAME.sha1` and `NAME.md5`, or else what lists such
    /// as `SHA256SUMS` in its folder say of it.
    ///
    /// Throws `ExportError` if one is there that is a link, cannot be read, or says nothing of the export.
    static func beside(_ export: ExportFile) throws -> [ExportChecksum] {
        guard export.name != ExportFile.standardInput else { return [] }
        let own = try own(export)
        return own.isEmpty ? try listed(export) : own
    }

    private static func own(_ export: ExportFile) throws -> [ExportChecksum] {
        let name = FileSystem.name(of: export.name)
        return try Kind.allCases.compactMap { kind in
            let path = String(export.name.dropLast(name.count)) + FileName.beside(name, ".\(kind.rawValue)")
            guard let file = try export.companion(path) else { return nil }
            guard let text = text(file), let digest = found(kind, of: name, in: text, isOwn: true) else {
                throw ExportError(
                    .manifest, file: path, problem: "there is no \(kind.rawValue) checksum of \(name) in it",
                    advice: "write what \(kind.rawValue)sum prints for the export, or remove the file")
            }
            return ExportChecksum(kind: kind, digest: digest, path: path)
        }
    }

    private static func listed(_ export: ExportFile) throws -> [ExportChecksum] {
        let (folder, name) = (FileSystem.folder(of: export.name), FileSystem.name(of: export.name))
        return try Kind.allCases.compactMap { kind in
            let path = "\(folder)/\(kind.rawValue.uppercased())SUMS"
            guard let file = try export.companion(path), let digest = listed(name, in: file) else { return nil }
            return ExportChecksum(kind: kind, digest: digest, path: path)
        }
    }

    /// What an open list such as `SHA256SUMS` says of an export, in lowercase hexadecimal; nil if it does not have it.
    package static func listed(_ name: String, in list: OpenFile) -> String? {
        let file = FileSystem.name(of: list.path).lowercased()
        guard let kind = Kind.allCases.first(where: { file.contains("\($0.rawValue)sums") }), let text = text(list)
        else {
            return nil
        }
        return found(kind, of: name, in: text, isOwn: false)
    }

    private static func text(_ file: OpenFile) -> String? {
        (try? file.contents(limit: mostBytes)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Lines are `DIGEST  NAME`, `DIGEST *NAME`, `SHA256 (NAME) = DIGEST`, or a digest alone.
    ///
    /// - Parameter isOwn: whether the only line of a file is that of the export, whatever name it has.
    static func found(_ kind: Kind, of name: String, in text: String, isOwn: Bool) -> String? {
        var digests: [(name: String?, digest: String)] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            if let first = words.first, isDigest(first, kind) {
                let rest = words.dropFirst().first.map { $0.drop { " *".contains($0) } }
                digests.append((rest.map(String.init), first.lowercased()))
            } else if let match = line.wholeMatch(of: #/[A-Za-z0-9-]+ ?\((.+)\) ?= ?([0-9A-Fa-f]+)/#),
                isDigest(match.2, kind)
            {
                digests.append((String(match.1), match.2.lowercased()))
            }
        }
        let own = digests.last { $0.name.map { URL(filePath: $0).lastPathComponent == name } ?? isOwn }
        return (own ?? (isOwn && digests.count == 1 ? digests.first : nil))?.digest
    }

    private static func isDigest(_ word: Substring, _ kind: Kind) -> Bool {
        word.utf8.count == kind.digits && word.utf8.allSatisfy { UInt8.isHexDigit($0) }
    }

    /// What it says, and where.
    var statement: String { "\(URL(filePath: path).lastPathComponent): \(kind.rawValue)" }

    /// Throws a refusal if the export has another digest.
    ///
    /// - Parameter sha256: that of the export, which is known.
    func check(_ file: ExportFile, sha256: String) throws {
        let own = kind == .sha256 ? sha256 : try file.digest(kind)
        guard own != digest else { return }
        throw ExportError(
            .manifest, file: file.name,
            problem: "the file's \(kind.rawValue) is \(own), and the checksum beside it says \(digest) (\(path))",
            advice: "have export and checksum written and copied again, together")
    }
}

extension UInt8 {
    fileprivate static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

extension ExportFile {
    /// Compares what a reading of the export found with the manifest and the checksums beside it, and returns what each
    /// of them says, for instance `customers.csv.manifest.json: 1,980 records`; empty if there are none.
    ///
    /// Throws a refusal if they disagree, or cannot be read.
    @discardableResult
    package func checkStatements(_ facts: ExportFacts) throws -> [String] {
        var statements: [String] = []
        if let manifest = try manifest() {
            try manifest.check(facts, of: self)
            statements.append(manifest.statement)
        }
        for checksum in try ExportChecksum.beside(self) {
            try checksum.check(self, sha256: facts.sha256)
            statements.append(checksum.statement)
        }
        return statements
    }

    /// A digest of the file's bytes as stored, in lowercase hexadecimal; reads the whole file.
    fileprivate func digest(_ kind: ExportChecksum.Kind) throws -> String {
        switch kind {
        case .sha256: try digest(SHA256())
        case .sha512: try digest(SHA512())
        case .sha1: try digest(Insecure.SHA1())
        case .md5: try digest(Insecure.MD5())
        }
    }

    private func digest<Function: HashFunction>(_ function: Function) throws -> String {
        var function = function
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset = 0
        while true {
            var span = buffer.mutableSpan
            let count = try read(into: &span, at: offset)
            if count == 0 { break }
            function.update(data: buffer[..<count])
            offset += count
        }
        return Hex.text(function.finalize())
    }
}
