import CartAssociations
import Foundation
import TestSupport
import Testing

@testable import cartsync

@Suite("the next command")
struct TypedCommandTests {
    private func again(_ typed: String, as name: String? = nil, adding flags: String? = nil) -> String {
        let words = typed.split(separator: " ").map(String.init)
        return TypedCommand(name: words[0], words: words).again(as: name, adding: flags)
    }

    @Test("it is the one that was typed")
    func same() {
        #expect(again("sync --yes a.csv") == "cartsync sync --yes a.csv")
    }

    @Test("a flag that is added takes the place of the one that was there")
    func replaced() {
        #expect(again("sync a.csv", adding: "--max-deletes 21") == "cartsync sync --max-deletes 21 a.csv")
        #expect(
            again("sync --yes --max-deletes 20 a.csv", adding: "--max-deletes 21")
                == "cartsync sync --max-deletes 21 --yes a.csv")
        #expect(
            again("sync --max-deletes=20 a.csv", adding: "--max-deletes 21") == "cartsync sync --max-deletes 21 a.csv")
        #expect(again("sync --allow-empty a.csv", adding: "--allow-empty") == "cartsync sync --allow-empty a.csv")
    }

    @Test("a plan that is shown becomes a sync")
    func renamed() {
        #expect(again("plan --detailed-exitcode a.csv", as: "sync") == "cartsync sync a.csv")
        #expect(
            again("plan --out p --output csv --unmanaged=u.csv --rate 5 a.csv", as: "sync")
                == "cartsync sync --rate 5 a.csv")
        #expect(again("plan --out p a.csv", adding: "--max-deletes 3") == "cartsync plan --max-deletes 3 --out p a.csv")
    }

    @Test(
        "a subcommand becomes another command, with the flags that it has, and without those that mean something else there"
    )
    func subcommand() {
        let words = "owners check --offline --out c.csv --unknown=u.csv --owner-key email --state s q.csv".split(
            separator: " ")
        let typed = TypedCommand(name: "check", words: words.map(String.init))
        #expect(typed.again(as: "plan", without: ["--out"]) == "cartsync plan --owner-key email --state s q.csv")
        #expect(
            typed.again(adding: "--unknown v.csv")
                == "cartsync owners check --unknown v.csv --offline --out c.csv --owner-key email --state s q.csv")
    }

    @Test(
        "a word is quoted so that a shell takes it back",
        arguments: [
            ("a.csv", "a.csv"), ("my file.csv", "'my file.csv'"), ("it's", #"'it'\''s'"#), ("", "''"), ("20%", "20%"),
            ("a\u{1B}[2J.csv", #"$'a\x1b[2J.csv'"#), ("it's\n", #"$'it\'s\x0a'"#), ("a\\\t", #"$'a\\\x09'"#),
            ("\u{202E}vsc", #"$'\xe2\x80\xaevsc'"#), ("\u{9B}31m", #"$'\xc2\x9b31m'"#),
        ])
    func shellWords(word: String, quoted: String) {
        #expect(ShellWord.quoted(word) == quoted)
    }

    @Test("a shell takes back every word byte by byte, and none moves a cursor", arguments: 0..<3 as Range<UInt64>)
    func shellTakesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let words = (0..<40).map { _ in
            let scalars = (0..<Int.random(in: 0...10, using: &generator)).compactMap { _ in
                Unicode.Scalar(
                    UInt32.random(in: 1...0x210F, using: &generator) % (Bool.random(using: &generator) ? 0x80 : 0x2110))
            }
            return String(String.UnicodeScalarView(scalars.filter { $0.value > 0 }))
        }
        let line = words.map(ShellWord.quoted).joined(separator: " ")
        #expect(!line.unicodeScalars.contains { [.control, .format].contains($0.properties.generalCategory) })
        let shell = Process()
        let pipe = Pipe()
        shell.executableURL = URL(filePath: "/bin/bash")
        shell.arguments = ["-c", "printf '%s\\0' " + line]
        shell.standardOutput = pipe
        try shell.run()
        let said = pipe.fileHandleForReading.readDataToEndOfFile()
        shell.waitUntilExit()
        #expect(
            said.split(separator: 0, omittingEmptySubsequences: false).dropLast().map { Array($0) }
                == words.map { Array($0.utf8) })
    }

    @Test("a command below another one becomes one that is not")
    func below() {
        let typed = TypedCommand(name: "check", words: ["owners", "check", "--state", "s", "a.csv"])
        #expect(typed.again(as: "plan") == "cartsync plan --state s a.csv")
        #expect(typed.again() == "cartsync owners check --state s a.csv")
    }

    @Test("the flags of a command are those that the description of the whole program has for it")
    func flags() throws {
        func compare(_ command: CommandDescription) {
            let names = command.shownArguments.flatMap { ($0.names ?? []).map(\.text) }
            let found = TypedCommand.flags(of: Array(command.words.dropFirst()))
            // No command line with `--version` is repeated.
            #expect(Set(found.keys) == Set(names).subtracting(["--version"]), "\(command.words)")
            command.commands.forEach(compare)
        }
        try CommandDescription.ofProgram().commands.forEach(compare)
        #expect(TypedCommand.flags(of: ["nothing"]).isEmpty)
    }

    @Test("what is carried to another command is what that one takes")
    func carried() {
        #expect(TypedCommand.carried.isSubset(of: TypedCommand.flags(of: ["runs", "resume"]).keys))
        let typed = TypedCommand(
            name: "", words: ["sync", "--rate", "9", "--state", "s", "--yes", "--base-url=https://x.example", "a.csv"])
        #expect(typed.another("runs show", ["4f2a"]) == "cartsync runs show --state s 4f2a")
        #expect(typed.another("apply", ["p"]) == "cartsync apply --rate 9 --state s --base-url=https://x.example p")
        #expect(typed.another("import", ["my file"]).hasSuffix("--base-url=https://x.example 'my file'"))
    }

    @Test(
        "the command for a run that was named is about the same store and state",
        arguments: [
            (
                "runs list --limit 5 --state STATE", "resume",
                "cartsync runs resume --state '/tmp/my state' 4f2a"
            ),
            ("runs list --config=a.yaml --output json", "approve", "cartsync runs approve --config=a.yaml 4f2a"),
            ("sync --yes --rate 50 a.csv", "resume", "cartsync runs resume --rate 50 4f2a"),
        ])
    func next(typed: String, verb: String, expected: String) {
        // One of the words has a space in it.
        let words = typed.split(separator: " ").map { $0 == "STATE" ? "/tmp/my state" : String($0) }
        #expect(TypedCommand(name: "", words: words).next("4f2a", verb: verb) == expected)
    }
}
