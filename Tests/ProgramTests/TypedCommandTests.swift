import CartAssociations
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
        "a word is quoted so that a shell takes it back",
        arguments: [
            ("a.csv", "a.csv"), ("my file.csv", "'my file.csv'"), ("it's", #"'it'\''s'"#), ("", "''"), ("20%", "20%"),
        ])
    func shellWords(word: String, quoted: String) {
        #expect(ShellWord.quoted(word) == quoted)
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
