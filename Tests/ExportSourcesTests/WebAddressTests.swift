import Testing

@testable import ExportSources

@Suite("addresses of exports")
struct WebAddressTests {
    @Test(
        "the name is the last of the path, where a file can have it",
        arguments: [
            ("https://e.example/a/b.csv?x=1", "b.csv"), ("https://e.example/", "export"),
            ("https://e.example/a%2Fb", "export"), ("https://e.example/.hidden", "export"),
            ("https://e.example/a%0Ab", "export"), ("https://e.example/a%20b.csv", "a b.csv"),
        ])
    func names(url: String, name: String) throws {
        #expect(try WebAddress(url).name == name)
    }

    @Test("a redirect never leads from https to http")
    func downgrade() throws {
        #expect(try WebAddress("https://a.example/x").following("http://a.example/x") == nil)
    }
}
