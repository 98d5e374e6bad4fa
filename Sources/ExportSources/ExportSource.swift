/// A place elsewhere that exports are fetched from: a URL, a bucket, or a folder behind SFTP.
///
/// It knows what is there and how to get it, and remembers nothing; nothing there is ever changed.
package protocol ExportSource: Sendable {
    /// The place in words, without anything secret.
    var words: String { get }
    /// Whether an export that is listed may still be written there.
    var needsSettling: Bool { get }
    /// Asks for as much as shows whether exports can be had; a listing, where there is one.
    ///
    /// Throws what stands in the way.
    func tryOut() async throws(SourceError)
    /// What is there now.
    func list() async throws(SourceError) -> [RemoteExport]
    /// Fetches one export into a file, from where an earlier attempt ended if it is the same version.
    ///
    /// - Parameter known: the version that was fetched before; nil if there is none.
    func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download
    /// Sentences about what is odd there and does no harm, each told once in the life of the source.
    func takeNotices() -> [String]
    /// Closes connections; the source is not used afterwards.
    func shutdown() async
}

extension ExportSource {
    /// For a source that is listed.
    package func tryOut() async throws(SourceError) { _ = try await list() }
    /// For a source to which nothing is odd.
    package func takeNotices() -> [String] { [] }
}

/// An export that a source has.
package struct RemoteExport: Sendable, Hashable {
    package let name: String
    /// In bytes; nil if only fetching it tells.
    package var size: Int?
    /// The time of its last change since 1970, as exact as the source tells; nil if it does not.
    package var modified: Duration?
    /// What changes with the content; nil if only fetching it tells.
    package var version: ExportVersion?
    /// The name in the bytes that the source has for it, if those are not the UTF-8 of `name`.
    var bytes: [UInt8]?

    package init(name: String, size: Int? = nil, modified: Duration? = nil, version: ExportVersion? = nil) {
        self.name = name
        self.size = size
        self.modified = modified
        self.version = version
    }
}

/// What a source says of the version of an export; two that are equal are the same content.
package struct ExportVersion: Sendable, Hashable, Codable {
    /// An entity tag as it was sent, with its quotes (RFC 9110, 8.8.3).
    package var etag: String?
    /// The time of the last change, in the words of the source.
    package var modified: String?
    /// In bytes.
    package var size: Int?
    /// The SHA-256 of the content in hexadecimal digits, if nothing else tells.
    package var digest: String?

    package init(etag: String? = nil, modified: String? = nil, size: Int? = nil, digest: String? = nil) {
        self.etag = etag
        self.modified = modified
        self.size = size
        self.digest = digest
    }
}

/// How the attempt to fetch an export ended.
package enum Download: Sendable, Hashable {
    /// It is the version that was known; nothing was fetched.
    case unchanged
    /// The whole file is there, not yet forced to the disk. The time is that of its last change since 1970.
    case complete(ExportVersion, modified: Duration?)
}

/// Why a source could not be read; a sentence that says where and what to do.
package struct SourceError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
    /// Whether it is one export alone that cannot be had; the others may still be fetched.
    package let isOfOneExport: Bool
    /// How long the source asks to be left alone; nil if it does not say.
    package let retryAfter: Duration?

    package init(_ description: String, ofOneExport: Bool = false, retryAfter: Duration? = nil) {
        self.description = description
        isOfOneExport = ofOneExport
        self.retryAfter = retryAfter
    }
}

/// Why a text is not an address of a source; completes the sentence "KEY is 'TEXT': …".
package struct InvalidAddress: Error, Sendable, Hashable {
    package let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// The names that exports of a source may have here.
package enum ExportName {
    /// Whether the name can be that of a file here: no folder, nothing that is not printed, and 255 bytes at most.
    package static func isUsable(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && name.first != "." && !name.contains("/")
            && name.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
                default: true
                }
            }
    }
}
