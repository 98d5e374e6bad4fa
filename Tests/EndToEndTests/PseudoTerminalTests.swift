import CommerceSandbox
import Foundation
import TestSupport
import Testing

/// What the program writes when a terminal shows it, byte by byte.
@Suite(
    "on a terminal",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script, for a pseudo-terminal")
)
struct PseudoTerminalTests {
    /// Moves the cursor, sets the title, rings, asks the terminal to type, in both widths of control characters.
    private static let hostile = "\u{1B}[2J\u{1B}]0;owned\u{07}\u{9B}6n\u{1B}[201~\u{8D}\u{7F}\u{202E}"

    /// What is left of a text if what the program itself sends is taken away: line ends, colours, and the progress line's return
    /// and erase.
    private func strange(_ text: String) -> String {
        text.replacing(#/\u{1B}\[(0|1|2|31|32|33)m|\r\u{1B}\[K|\r\n|\n|\t/#, with: "").replacing(
            "^D\u{8}\u{8}", with: "")
    }

    private func shown(_ command: String, _ shop: Shop) async throws -> String {
        let program = try Program(
            ["-qefc", command, "/dev/null"],
            environment: shop.environment.merging(["CARTSYNC": try Program.path(), "TERM": "xterm"]) { $1 },
            in: shop.folder.path, executable: "/usr/bin/script")
        return try await program.result().output
    }

    @Test(
        "a narrow terminal shows fewer columns, says so by a mark, and no line is longer than it is",
        arguments: [40, 45, 60, 79])
    func narrow(columns: Int) async throws {
        try await withShop { shop in
            _ = try shop.folder.write(numbered(1...3), to: "e.csv")
            #expect(try await shop.cartsync("sync", "--yes", "e.csv").status == 0)
            let text = try await shown("bash -c 'stty cols \(columns); \"$CARTSYNC\" runs 2>/dev/null'", shop)
            let lines = text.replacing(#/\u{1B}\[[0-9;]*m/#, with: "").split(whereSeparator: \.isNewline)
            #expect(lines.count >= 2, "\(text)")
            for line in lines { #expect(line.count <= columns, "\(line)") }
            #expect(lines.first?.contains("…") == true, "\(text)")
            #expect(lines.last?.contains("finished") == true)
        }
    }

    @Test("no control character of a record, a file's name or the store reaches it, whatever the command")
    func hostile() async throws {
        try await withShop { shop in
            let body = #"{"errors":[{"title":"No","detail":"\u001b[2J\u001b]0;owned\u0007\u009b6n {owner}"}]}"#
            shop.sandbox.inject(SandboxFault(.answer(status: 422, body: body), operation: .create, first: 2, count: 2))
            let name = "a\u{1B}]0;owned\u{07}\u{9B}6n.csv"
            var export = "customer_id,cart_id,note\(Self.hostile)\n"
            for number in 1...12 { export += "customer-\(number),cart-\(number),\(Self.hostile)\n" }
            export += "customer\(Self.hostile),cart-13,x\ncustomer-14,\(Self.hostile),x\n\(Self.hostile)\n"
            try shop.folder.write(export, to: name)
            let limits = "--max-rejected 50%"
            let commands = [
                "\"$CARTSYNC\" check a*.csv", "\"$CARTSYNC\" plan \(limits) a*.csv",
                "\"$CARTSYNC\" plan \(limits) --output csv a*.csv", "\"$CARTSYNC\" plan \(limits) --output json a*.csv",
                "\"$CARTSYNC\" sync --yes \(limits) --rate 500 a*.csv", "\"$CARTSYNC\" report", "\"$CARTSYNC\" runs",
                "\"$CARTSYNC\" runs show $(ls state/runs | tail -1)", "\"$CARTSYNC\" explain cart-3",
                "\"$CARTSYNC\" ledger export", "\"$CARTSYNC\" sync --yes $'missing\\033[2J.csv'",
                "\"$CARTSYNC\" explain $'cart\\033[2J'", "\"$CARTSYNC\" sync $'--no\\033]0;owned\\007such'",
            ]
            var seen = 0
            for command in commands {
                let text = try await shown("bash -c '\(command.replacing("'", with: "'\\''"))'", shop)
                #expect(!text.isEmpty, "\(command)")
                let left = strange(text).unicodeScalars.filter { scalar in
                    [.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
                }
                #expect(
                    left.isEmpty, "\(command): \(left.map { String($0.value, radix: 16) }) in \(text.debugDescription)")
                if text.contains("\u{FFFD}") { seen += 1 }
            }
            #expect(seen > 3, "what is replaced was there")
        }
    }
}
