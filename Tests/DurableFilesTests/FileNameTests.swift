import DurableFiles
import Testing

@Suite("Names made from others")
struct FileNameTests {
    @Test("a name that fits stays as it is")
    func short() {
        #expect(FileName.fitting("a.csv", before: ".", ending: ".part") == ".a.csv.part")
    }

    @Test("what stands beside a file has its name and an ending as long as a file system allows it")
    func beside() {
        let name = String(repeating: "n", count: 248)
        #expect(FileName.beside(name, ".sha256") == name + ".sha256")
        let cut = FileName.beside(name + "o", ".sha256")
        #expect(cut.utf8.count <= 255 && cut.hasSuffix(".sha256"))
        #expect(cut != FileName.beside(name + "p", ".sha256"))
    }

    @Test(
        "one that is too long is cut between characters, and stays different from others", arguments: ["a", "ü", "🛒"])
    func long(character: String) {
        let name = String(repeating: character, count: 255 / character.utf8.count)
        let cut = FileName.fitting(name, before: ".", ending: ".report")
        #expect(cut.utf8.count <= 230 && cut.utf8.count > 220)
        #expect(cut.hasPrefix("." + character) && cut.hasSuffix(".report"))
        #expect(cut != FileName.fitting(name + "b", before: ".", ending: ".report"))
        #expect(cut == FileName.fitting(name, before: ".", ending: ".report"))
    }
}
