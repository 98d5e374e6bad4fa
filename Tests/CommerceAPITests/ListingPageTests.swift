import Testing

@testable import CommerceAPI

@Suite("a page of carts")
struct ListingPageTests {
    @Test("owners are read where they are, and are none in every documented way of there being none")
    func owners() throws {
        let body = #"""
            {"data":[
              {"id":"1","type":"cart","relationships":{"items":{"data":[{"type":"cart_item","id":"i"}]},
                "customers":{"data":[{"type":"customer","id":"c-1"},{"type":"customer","id":"c-2"}]},"accounts":{}}},
              {"id":"2","relationships":{"customers":{},"accounts":{"data":[{"type":"account","id":"a-1"}]}}},
              {"id":"3","relationships":{"customers":{"data":null},"accounts":{"data":[]}}},
              {"id":"4","relationships":{}},
              {"id":"5"},
              {"id":"6","relationships":null,"meta":{"anything":[1,2]}}
            ],"links":{"next":null},"meta":{"page":{"limit":100},"results":{"total":6},"new":true}}
            """#
        let page = try #require(ListingPage(Array(body.utf8)))
        #expect(page.total == 6)
        #expect(page.carts.map(\.id) == ["1", "2", "3", "4", "5", "6"])
        #expect(page.carts[0].customers == ["c-1", "c-2"])
        #expect(page.carts[1].accounts == ["a-1"])
        #expect(page.carts.dropFirst(2).allSatisfy { $0.customers.isEmpty && $0.accounts.isEmpty })
    }

    @Test(
        "a body that is no page of carts is none",
        arguments: [
            "", "{}", "null", "<html>", #"{"data":{}}"#, #"{"data":[{"name":"no id"}]}"#, #"{"data":[{"id":"1""#,
            #"{"data":[{"id":"1"}],"data":[]}"#, #"{"data":[{"id":"1","id":"2"}]}"#,
        ])
    func noPage(body: String) {
        #expect(ListingPage(Array(body.utf8)) == nil)
    }

    @Test("a page without a total still has its carts")
    func noTotal() throws {
        let page = try #require(ListingPage(Array(#"{"data":[],"meta":{}}"#.utf8)))
        #expect(page.total == nil)
    }
}
