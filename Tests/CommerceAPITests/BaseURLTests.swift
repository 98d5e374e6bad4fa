import CommerceAPI
import Testing

@Suite("the base URL")
struct BaseURLTests {
    @Test(
        "https anywhere and http on this machine are accepted",
        arguments: [
            ("https://useast.api.elasticpath.com", "https://useast.api.elasticpath.com"),
            ("https://useast.api.elasticpath.com/", "https://useast.api.elasticpath.com"),
            ("https://proxy.example:8443/epcc/", "https://proxy.example:8443/epcc"),
            (" \thttps://useast.api.elasticpath.com/v2/\r\n", "https://useast.api.elasticpath.com"),
            ("https://useast.api.elasticpath.com/v2", "https://useast.api.elasticpath.com"),
            ("https://useast.api.elasticpath.com//v2//", "https://useast.api.elasticpath.com"),
            ("https://proxy.example/epcc/v2", "https://proxy.example/epcc"),
            ("https://proxy.example/v2/epcc", "https://proxy.example/v2/epcc"),
            ("https://proxy.example/apiv2", "https://proxy.example/apiv2"),
            ("http://127.0.0.1:8089", "http://127.0.0.1:8089"), ("http://localhost:1", "http://localhost:1"),
            ("http://[::1]:8080", "http://[::1]:8080"), ("http://127.1.2.3", "http://127.1.2.3"),
        ])
    func accepted(text: String, normal: String) throws {
        #expect(try BaseURL(text).text == normal)
    }

    @Test(
        "everything else is refused with a reason",
        arguments: [
            ("", "is not a URL"), ("useast.api.elasticpath.com", "is not a URL"), ("https://", "is not a URL"),
            ("ftp://host", "use https://"), ("http://useast.api.elasticpath.com", "unencrypted"),
            ("http://127.0.0.1.example.com", "unencrypted"), ("http://127.0.0.256", "unencrypted"),
            ("http://localhost.example.com", "unencrypted"), ("https://host?a=b", "query"),
            ("https://host#x", "fragment"), ("https://user:password@host", "user name"),
        ])
    func refused(text: String, reason: String) throws {
        let error = #expect(throws: InvalidBaseURL.self) { try BaseURL(text) }
        #expect(error?.description.contains(reason) == true)
        #expect(error?.description.contains("password@") == false)
    }
}
