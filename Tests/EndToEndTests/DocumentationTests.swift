import CommerceSandbox
import Foundation
import TestSupport
import Testing

/// A document of the project, and the commands that it tells people to type.
private struct Document: CustomTestStringConvertible {
    /// A command with all its lines.
    struct Command {
        let text: String
        /// The line in the document, from 1.
        let line: Int

        /// The exit status that a comment at its end names; 0 without one.
        var status: Int {
            text.split(separator: "\n").first?.firstMatch(of: #/# exit status (\d+)$/#).flatMap { Int($0.1) } ?? 0
        }
    }

    static let marker = "# not run by the tests: "
    static let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    let name: String
    private(set) var commands: [Command] = []
    /// The reasons of the blocks that are not run.
    private(set) var exceptions: [String] = []
    /// Lines with a command that stand in no block and so would not be run.
    private(set) var strays: [Int] = []

    var testDescription: String { name }

    init(_ name: String) throws {
        self.name = name
        let text = try String(contentsOf: Self.project.appending(path: name), encoding: .utf8)
        var block: (language: String, lines: [(text: String, number: Int)])?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") {
                if let (language, lines) = block {
                    if ["sh", "console", "bash"].contains(language) { read(lines) }
                    block = nil
                } else {
                    block = (String(line.dropFirst(3)), [])
                }
            } else if block != nil {
                block?.lines.append((String(line), index + 1))
            } else if line.hasPrefix("    cartsync ") || line.hasPrefix("    make ") {
                strays.append(index + 1)
            }
        }
    }

    private mutating func read(_ lines: [(text: String, number: Int)]) {
        if let first = lines.first, first.text.hasPrefix(Self.marker) {
            exceptions.append(String(first.text.dropFirst(Self.marker.count)))
            return
        }
        var pending: (text: String, line: Int, end: String?)?
        for (text, number) in lines {
            if var open = pending {
                open.text += "\n" + text
                let isOver = open.end.map { text == $0 } ?? !text.hasSuffix("\\")
                if isOver { commands.append(Command(text: open.text, line: open.line)) }
                pending = isOver ? nil : open
            } else if let heredoc = text.firstMatch(of: #/<<'?(\w+)'?$/#) {
                pending = (text, number, String(heredoc.1))
            } else if text.hasSuffix("\\") {
                pending = (text, number, nil)
            } else if !text.isEmpty, !text.hasPrefix("#") {
                commands.append(Command(text: text, line: number))
            }
        }
    }

    /// A script that runs every command and stops at the first that does not end as the document says.
    var script: String {
        commands.map { command in
            """
            \(command.text)
            status=$?
            if [ $status != \(command.status) ]; then
                echo "\(name):\(command.line): exit status $status where the document has \(command.status)" >&2
                exit 1
            fi

            """
        }.joined()
    }

    /// The guides that a document leads to, in the order in which it names them under a heading of their own.
    static func guides(of document: Document) throws -> [Document] {
        let text = try String(contentsOf: project.appending(path: document.name), encoding: .utf8)
        let section = text.components(separatedBy: "\n## Guides\n").last ?? ""
        return try section.matches(of: #/\]\((Sources/cartsync/Documentation\.docc/\w+\.md)\)/#).map {
            try Document(String($0.1))
        }
    }

    /// Every document with commands for people.
    static func all() throws -> [Document] {
        let guides = "Sources/cartsync/Documentation.docc"
        let names = try FileManager.default.contentsOfDirectory(atPath: project.appending(path: guides).path)
        return try
            (["README.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/README.md", "deploy/kubernetes/README.md"]
            + names.sorted().filter { $0.hasSuffix(".md") }.map { "\(guides)/\($0)" }).map { try Document($0) }
    }
}

@Suite("documentation")
struct DocumentationTests {
    @Test("every command in README and guides does what it is said to do", arguments: try Document.all())
    private func commands(document: Document) async throws {
        #expect(document.strays == [], "a command outside of a sh block is not tested")
        try await run([document])
    }

    @Test("README and guides end as they say for who types them all, one after the other, in one folder")
    func inARow() async throws {
        let readme = try Document("README.md")
        let guides = try Document.guides(of: readme)
        #expect(guides.count > 8)
        try await run([readme] + guides, state: nil)
    }

    /// Types the commands of documents into one shell.
    ///
    /// - Parameter state: the name of the state folder that all use if they name no other; nil for the usual one.
    private func run(_ documents: [Document], state: String? = "state") async throws {
        guard documents.contains(where: { !$0.commands.isEmpty }) else { return }
        let seed = try Data(contentsOf: Document.project.appending(path: "samples/sandbox/store.json"))
        var options = SandboxOptions(carts: try Sandbox.seed(from: seed))
        options.owners = try Sandbox.seedOwners(from: seed)
        try await withShop(options) { shop in
            try FileManager.default.createSymbolicLink(
                atPath: shop.folder.path("samples"),
                withDestinationPath: Document.project.appending(path: "samples").path)
            var environment = shop.environment
            environment["CARTSYNC_STATE_DIRECTORY"] = state.map(shop.folder.path)
            let binary = try URL(filePath: Program.path()).deletingLastPathComponent().path
            environment["PATH"] = binary + ":/usr/bin:/bin"
            // The pace is not what is tested here, and a schedule would make it another one at night.
            environment["CARTSYNC_RATE_LIMIT"] = "2000"
            environment["CARTSYNC_RATE_SCHEDULE"] = "00:00-12:00 2000, 12:00-00:00 2000"
            let result = try await Program(
                ["-u", "-o", "pipefail", "-c", documents.map(\.script).joined()], environment: environment,
                in: shop.folder.path, executable: "/bin/bash"
            ).result()
            #expect(result.status == 0, "\(result.errors.suffix(4000))\n\(result.output.suffix(2000))")
        }
    }

    @Test("what is not run says why, and is little")
    func exceptions() throws {
        let documents = try Document.all()
        let exceptions = documents.flatMap(\.exceptions)
        #expect(exceptions.allSatisfy { $0.count > 10 })
        #expect(exceptions.count <= 10, "\(exceptions)")
        #expect(documents.reduce(0) { $0 + $1.commands.count } > 40)
    }

    @Test("every message that the guide explains is one that the program says")
    func messages() throws {
        var code = ""
        let sources = Document.project.appending(path: "Sources")
        for name in try FileManager.default.subpathsOfDirectory(atPath: sources.path) where name.hasSuffix(".swift") {
            code += try String(contentsOf: sources.appending(path: name), encoding: .utf8)
        }
        // A long sentence is written as several literals.
        code = code.replacing(#/"\s*\+\s*"/#, with: "")
        let guide = "Sources/cartsync/Documentation.docc/Troubleshooting.md"
        let text = try String(contentsOf: Document.project.appending(path: guide), encoding: .utf8)
        let messages = text.split(separator: "\n").compactMap { $0.firstMatch(of: #/^\| `([^`]+)` \|/#)?.1 }
        #expect(messages.count > 20)
        for message in messages { #expect(code.contains(message), "nothing says: \(message)") }
    }
}
