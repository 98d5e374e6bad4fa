import Testing

@testable import SyncReporting

@Suite("Taking an id out of texts and files")
struct RedactionTests {
    @Test(
        "an id is replaced where it stands for itself",
        arguments: [
            ("c-1", "c-1,cart\nc-12,cart\nxc-1,c-1\n", "N,cart\nc-12,cart\nxc-1,N\n"),
            ("c-1", "the owner c-1.", "the owner N."), ("c-1", "c-1.x and c-1", "c-1.x and N"),
            ("a\"b", "\"a\"\"b\",x", "\"N\",x"), ("a\"b", "{\"owner\":\"a\\\"b\"}", "{\"owner\":\"N\"}"),
            ("<x>&", "<td>&lt;x&gt;&amp;</td>", "<td>N</td>"), ("c-1", "line\\nc-1 is gone", "line\\nN is gone"),
            ("jé", "jé jéa", "N jéa"), ("c-1", "c-1", "N"),
        ])
    func replaced(id: String, text: String, expected: String) {
        #expect(Redaction([id], by: "N").text(text) == expected)
    }

    @Test("a text without the id is as it was")
    func absent() { #expect(Redaction(["c-1"], by: "N").bytes(Array("c-10 xc-1 c-1-2".utf8)) == nil) }
}
