package import CallPacing
import Foundation

/// A folder behind SFTP: `sftp://USER@HOST:PORT/PATH`.
package struct SFTPAddress: Sendable, Hashable {
    /// Nil for the one that ssh's configuration names.
    let user: String?
    /// A name or an address, or what ssh's configuration has under that name.
    package let host: String
    /// Nil for the one that ssh's configuration names, else 22.
    package let port: Int?
    /// Beginning with a slash.
    package let path: String

    package var words: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return "sftp://\(user.map { "\($0)@" } ?? "")\(host)\(port.map { ":\($0)" } ?? "")\(path)"
    }

    /// Throws `InvalidAddress`.
    package init(_ text: String) throws(InvalidAddress) {
        // Strict, because user and host become words of a command line.
        let pattern =
            #/sftp://(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)@)?([A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?(/.*)/#
        guard let match = text.wholeMatch(of: pattern),
            match.3.map({ (1...65_535).contains(Int($0) ?? 0) }) ?? true,
            !match.4.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 })
        else {
            throw InvalidAddress(
                "not a folder; write sftp://USER@HOST:PORT/PATH, for instance sftp://cartsync@files.example/exports")
        }
        user = match.1.map(String.init)
        host = match.2.trimmingCharacters(in: ["[", "]"])
        port = match.3.flatMap { Int($0) }
        path = String(match.4)
    }
}

/// The exports in a folder behind SFTP, whose server is reached by the system's `ssh`.
///
/// `ssh` brings what the user has set up for it: configuration, agents, known hosts, all kinds of keys, jump hosts. The
/// protocol, and not the text that `sftp` makes of it, tells names in any bytes, types, sizes and times.
package final class SFTPSource: ExportSource {
    package struct Access: Sendable {
        /// The file of the private key, without a passphrase; nil for the keys that `ssh` finds by itself.
        var key: String?
        /// The file with the host's public key; nil for the user's own `known_hosts`. An unknown host is refused.
        var knownHosts: String?
        var patience = FetchPatience()

        package init(key: String? = nil, knownHosts: String? = nil, patience: FetchPatience = FetchPatience()) {
            self.key = key
            self.knownHosts = knownHosts
            self.patience = patience
        }
    }

    package let words: String
    package var needsSettling: Bool { true }
    private let folder: [UInt8]
    private let program: SFTPProgram
    private let notices = Notices()

    package convenience init(_ address: SFTPAddress, _ access: Access, time: TimeSource) {
        self.init(
            address.words, path: address.path,
            SFTPProgram(
                name: "ssh", arguments: Self.arguments(address, access), patience: access.patience, time: time))
    }

    /// - Parameter program: leads to the server.
    init(_ words: String, path: String, _ program: SFTPProgram) {
        self.words = words
        self.program = program
        let bytes = Array(path.utf8)
        folder = bytes.last == UInt8(ascii: "/") && bytes.count > 1 ? bytes.dropLast() : bytes
    }

    package func list() async throws(SourceError) -> [RemoteExport] {
        let folder = folder
        do throws(SFTPProgram.Failure) {
            let listed = try await program.run { client, _ in
                var names = try await client.list(folder)
                try await Self.complete(&names, of: folder, by: &client)
                return names
            }
            let listing = SFTPListing(listed)
            for notice in listing.notices { notices.add("\(words): \(notice)") }
            return listing.exports
        } catch {
            throw refusal(error, nil)
        }
    }

    package func download(
        _ export: RemoteExport, known: ExportVersion?, to file: PartialFile
    ) async throws(SourceError) -> Download {
        if let size = export.size, size > file.limit {
            throw SourceError(
                "\(words): \(export.name) has \(size) bytes, and \(file.limit) are allowed; raise source.max-size if it is right",
                ofOneExport: true)
        }
        let version = export.version
        try file.begin(version ?? ExportVersion(), keeping: version != nil && file.version == version && file.size > 0)
        let path = Self.path(of: export.bytes ?? Array(export.name.utf8), in: folder)
        let isSame: Bool
        do throws(SFTPProgram.Failure) {
            isSame = try await program.run { client, watch in try await Self.fetch(path, to: file, &client, watch) }
        } catch {
            throw refusal(error, export.name)
        }
        guard isSame, export.size == nil || export.size == file.size else {
            file.discard()
            throw SourceError(
                "\(words): \(export.name) was changed while it was fetched; it is fetched anew at the next look",
                ofOneExport: true)
        }
        if let version { return .complete(version, modified: export.modified) }
        let digest = try file.digest()
        guard digest != known?.digest else {
            file.discard()
            return .unchanged
        }
        return .complete(ExportVersion(size: file.size, digest: digest), modified: nil)
    }

    package func takeNotices() -> [String] { notices.take() }

    package func shutdown() async {}

    /// The words of the command line behind `ssh`.
    static func arguments(_ address: SFTPAddress, _ access: Access) -> [String] {
        // Nothing is asked, forwarded, left behind or run there but the subsystem.
        var options = [
            "LogLevel=ERROR", "BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10",
            "ServerAliveInterval=10", "ServerAliveCountMax=3", "ControlMaster=no", "ForwardAgent=no", "ForwardX11=no",
            "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no",
        ]
        // A value in quotes may have blanks; a percent sign would begin one of ssh's own words.
        func quoted(_ path: String) -> String { "\"\(path.replacing("%", with: "%%"))\"" }
        if let key = access.key { options += ["IdentitiesOnly=yes", "IdentityFile=\(quoted(key))"] }
        if let hosts = access.knownHosts {
            options += ["UserKnownHostsFile=\(quoted(hosts))", "GlobalKnownHostsFile=/dev/null"]
        }
        var words = options.flatMap { ["-o", $0] }
        if let port = address.port { words += ["-p", "\(port)"] }
        if let user = address.user { words += ["-l", user] }
        return words + ["-s", "--", address.host, "sftp"]
    }

    static func path(of name: [UInt8], in folder: [UInt8]) -> [UInt8] {
        folder == Array("/".utf8) ? folder + name : folder + Array("/".utf8) + name
    }

    /// Asks one by one for what the server's listing leaves out, and lets nothing be taken for a file that is a folder.
    static func complete(
        _ names: inout [SFTPName], of folder: [UInt8], by client: inout SFTPClient
    ) async throws {
        func isIncomplete(_ attributes: SFTPAttributes) -> Bool {
            attributes.kind == nil || attributes.kind == .file && (attributes.size == nil || attributes.modified == nil)
        }
        let incomplete = names.indices.filter { isIncomplete(names[$0].attributes) }
        let found = try await client.attributes(incomplete.map { path(of: names[$0].name, in: folder) })
        for (place, answer) in zip(incomplete, found) {
            guard case .success(let more) = answer else { continue }
            names[place].attributes.size = names[place].attributes.size ?? more.size
            names[place].attributes.modified = names[place].attributes.modified ?? more.modified
            if names[place].attributes.kind == nil { names[place].attributes.permissions = more.permissions }
        }
        let unknown = names.indices.filter { names[$0].attributes.kind == nil }
        let areFolders = try await client.areFolders(unknown.map { path(of: names[$0].name, in: folder) })
        for (place, isFolder) in zip(unknown, areFolders) {
            names[place].attributes.permissions = isFolder ? 0o040000 : 0o100000
        }
    }

    /// Fetches a file from where the part of it ends. Returns whether it stayed the same meanwhile.
    static func fetch(
        _ path: [UInt8], to file: PartialFile, _ client: inout SFTPClient, _ watch: SFTPWatch
    ) async throws -> Bool {
        let handle = try await client.open(path)
        let before = try await client.attributes(ofOpen: handle)
        watch.measure()
        try await client.read(handle, from: UInt64(file.size)) { part in try file.append(part) }
        let after = try await client.attributes(ofOpen: handle)
        try await client.close(handle)
        return before?.size == after?.size && before?.modified == after?.modified
            && (after?.size).map { $0 == UInt64(file.size) } ?? true
    }

    /// - Parameter export: the name of what was asked for; nil for the listing.
    private func refusal(_ failure: SFTPProgram.Failure, _ export: String?) -> SourceError {
        if let error = failure.error as? SourceError { return error }
        if let reason = failure.givenUp {
            return SourceError("\(words): \(export ?? "the server") \(reason); it is asked again later")
        }
        switch failure.error as? SFTPError {
        case .refused(let status):
            let advice =
                switch status.code {
                case SFTPStatus.noSuchFile:
                    export == nil ? "check the path of source.sftp" : "it has gone since the folder was listed"
                case SFTPStatus.permissionDenied: "let the user of source.sftp read it there"
                default: "it is asked again later"
                }
            return SourceError(
                "\(words): \(export ?? "the folder") cannot be read: \(status.words); \(advice)",
                ofOneExport: export != nil)
        case .talk(let text):
            return SourceError(
                "\(words): '\(text)' came in place of SFTP; is the sftp subsystem there, and do the user's shell files print nothing?"
            )
        case .invalid(let sent):
            return SourceError("\(words): the answer is not understood, \(sent); it is asked again later")
        case .version(let version):
            return SourceError("\(words): the server speaks version \(version) of SFTP, and 3 is needed")
        case .endless(let names):
            return SourceError(
                "\(words): the folder has more than \(names) names; let source.sftp name a folder of its own")
        case .closed: return closed(failure.said)
        case nil where failure.said.isEmpty:
            return SourceError(
                "\(words): ssh cannot be run: \("\(failure.error)".oneLine(limit: 200)); is OpenSSH's client installed?"
            )
        case nil: return closed(failure.said)
        }
    }

    /// What `ssh` said when it ended.
    private func closed(_ errors: String) -> SourceError {
        let lines = errors.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        let said = lines.filter { !$0.isEmpty && !$0.hasPrefix("Connection closed") }.suffix(2).joined(separator: "; ")
        let advice =
            if errors.contains("Host key verification failed") {
                "put the host's key into the file of source.sftp-known-hosts"
            } else if errors.contains("Permission denied (") {
                "check source.sftp-key, and that the host knows its public half"
            } else if errors.contains("subsystem request failed") {
                "let the server have its sftp subsystem"
            } else {
                "it is asked again later"
            }
        return SourceError(
            "\(words): \(said.isEmpty ? "the connection was closed" : said.oneLine(limit: 300)); \(advice)")
    }
}
