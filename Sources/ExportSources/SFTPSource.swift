package import CallPacing
import Foundation
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A folder behind SFTP: `sftp://USER@HOST:PORT/PATH`.
package struct SFTPAddress: Sendable, Hashable {
    let user: String
    package let host: String
    package let port: Int
    /// Beginning with a slash.
    package let path: String

    package var words: String { "sftp://\(user)@\(host):\(port)\(path)" }

    /// Throws `InvalidAddress`.
    package init(_ text: String) throws(InvalidAddress) {
        // Strict, because user and host become words of a command line.
        let pattern =
            #/sftp://([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?(/[^"*?\[\]\\]*)/#
        guard let match = text.wholeMatch(of: pattern), let port = Int(match.3 ?? "22"), (1...65_535).contains(port),
            !match.4.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 })
        else {
            throw InvalidAddress(
                "not a folder; write sftp://USER@HOST:PORT/PATH, for instance sftp://cartsync@files.example/exports")
        }
        user = String(match.1)
        host = match.2.trimmingCharacters(in: ["[", "]"])
        self.port = port
        path = String(match.4)
    }
}

/// The exports in a folder behind SFTP, fetched by the system's `sftp` (OpenSSH).
package final class SFTPSource: ExportSource {
    package struct Access: Sendable {
        /// The file of the private key, without a passphrase; nil for the keys that `ssh` finds by itself.
        package var key: String?
        /// The file with the host's public key; nil for the user's own `known_hosts`. An unknown host is refused.
        package var knownHosts: String?

        package init(key: String? = nil, knownHosts: String? = nil) {
            self.key = key
            self.knownHosts = knownHosts
        }
    }

    package let words: String
    package var needsSettling: Bool { true }
    private let address: SFTPAddress
    private let access: Access
    private let time: TimeSource

    package init(_ address: SFTPAddress, _ access: Access, time: TimeSource) {
        self.address = address
        self.access = access
        self.time = time
        words = address.words
    }

    package func list() async throws(SourceError) -> [RemoteExport] {
        SFTPListing.exports(try await run("@ls -ln\n", in: nil), now: time.wall())
    }

    package func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        guard let version = export.version else { throw SourceError("\(words): \(export.name) has no version") }
        if let size = export.size, size > file.limit {
            throw SourceError(
                "\(words): \(export.name) has \(size) bytes, and \(file.limit) are allowed; raise source.max-size if it is right"
            )
        }
        let isResumed = file.version == version && file.size > 0
        try file.begin(version, keeping: isResumed)
        let (folder, part) = Self.split(file.path)
        // -a goes on with what is there, -p keeps the time of the last change, which the listing has in minutes only.
        _ = try await run("@get -p\(isResumed ? "a" : "") \"./\(export.name)\" \"\(part)\"\n", in: folder)
        try file.measure()
        guard file.size == export.size else {
            file.discard()
            throw SourceError(
                "\(words): \(export.name) was changed while it was fetched; it is fetched anew at the next look")
        }
        return .complete(version, modified: nil)
    }

    package func shutdown() async {}

    private static func split(_ path: String) -> (folder: String, name: String) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// Runs a batch of `sftp` in the remote folder and returns what it wrote.
    private func run(_ batch: String, in folder: String?) async throws(SourceError) -> String {
        var words = [
            "-b", "-", "-P", "\(address.port)", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o",
            "StrictHostKeyChecking=yes",
            "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3",
        ]
        if let key = access.key { words += ["-o", "IdentitiesOnly=yes", "-i", key] }
        if let hosts = access.knownHosts {
            words += ["-o", "UserKnownHostsFile=\(hosts)", "-o", "GlobalKnownHostsFile=/dev/null"]
        }
        let host = address.host.contains(":") ? "[\(address.host)]" : address.host
        words.append("\(address.user)@\(host)")
        // Times are in the words and the zone that the listing is read with.
        let environment = Environment.inherit.updating(["LC_ALL": "C", "TZ": "UTC"])
        do {
            let result = try await Subprocess.run(
                .name("sftp"), arguments: Arguments(words), environment: environment,
                workingDirectory: folder.map { FilePath($0) }, input: .string("@cd \"\(address.path)\"\n" + batch),
                output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
            guard result.terminationStatus.isSuccess else { throw refusal(result.standardError) }
            return result.standardOutput
        } catch let error as SourceError {
            throw error
        } catch {
            throw SourceError("\(self.words): sftp cannot be run: \(error); is OpenSSH's client installed?")
        }
    }

    private func refusal(_ errors: String) -> SourceError {
        let lines = errors.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        let said = lines.filter { !$0.isEmpty && !$0.hasPrefix("Connection closed") }.suffix(2).joined(separator: "; ")
        let advice =
            if errors.contains("Host key verification failed") {
                "put the host's key into the file of source.sftp-known-hosts"
            } else if errors.contains("Permission denied (") {
                "check source.sftp-key, and that the host knows its public half"
            } else if errors.contains("not found") || errors.contains("No such file") {
                "check the path of source.sftp"
            } else {
                "it is asked again later"
            }
        return SourceError("\(words): \(said.isEmpty ? "the connection was closed" : said); \(advice)")
    }
}
