import SyncEngine
import Testing

@Suite("the name of a run")
struct RunNameTests {
    private static let ids = [
        "20261119-101500-00aa", "20261120-101500-4f2a", "20261121-101500-7f3a", "20261121-111500-4f2b",
    ]

    @Test(
        "a run is told by its id, its last part, the start of it, latest or previous",
        arguments: [
            ("20261120-101500-4f2a", 1), ("4f2a", 1), ("7f3a", 2), ("20261119", 0), ("20261121-11", 3), ("latest", 3),
            ("previous", 2),
        ])
    func found(name: String, place: Int) throws {
        #expect(try RunName.find(name, among: Self.ids) == Self.ids[place])
    }

    @Test(
        "a name that fits several runs, or none, is refused", arguments: ["20261121", "2026", "f2a", "", "101500-4f2c"])
    func refused(name: String) {
        let fitting = Self.ids.filter { !name.isEmpty && $0.hasPrefix(name) }
        #expect(throws: fitting.isEmpty ? RunName.Problem.unknown : .ambiguous(fitting)) {
            try RunName.find(name, among: Self.ids)
        }
    }

    @Test("an id is meant even if it is the start of another one")
    func exact() throws {
        #expect(try RunName.find("20261119-1", among: ["20261119-1", "20261119-10"]) == "20261119-1")
    }

    @Test("one run has none before it, and no run is the latest of none")
    func few() {
        #expect(throws: RunName.Problem.unknown) { try RunName.find("previous", among: [Self.ids[0]]) }
        #expect(throws: RunName.Problem.unknown) { try RunName.find("latest", among: []) }
    }

    @Test("a message names the newest runs that a name fits")
    func words() {
        #expect(
            RunName.words("2026", fits: Array(Self.ids.prefix(2))) == "2 runs fit 2026: \(Self.ids[1]), \(Self.ids[0])")
        let many = (10..<20).map { "202611\($0)-101500-4f2a" }
        #expect(RunName.words("4f2a", fits: many).hasSuffix("20261115-101500-4f2a and 5 older"))
    }
}
