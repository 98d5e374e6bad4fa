import ExportFiles
import TestSupport
import Testing

@testable import SyncEngine

@Suite("the exports of one run")
struct RunExportsTests {
    @Test("one that is read as other records the second time refuses the run, though its bytes are the same")
    func readOtherwise() async throws {
        try await withStore { store in
            let text = "customer_id,cart_id\nc-1,cart-1\nc-2,Grüße\n"
            let path = try store.folder.write(text, to: "export.csv")
            try await store.withClient { client in
                let planner = store.run(path, client)
                let exports = try RunExports(planner.options, planner.tools)
                func readAll() throws {
                    var reading = exports.read()
                    while try reading.next() != nil {}
                }
                try readAll()
                try readAll()
                #expect(exports.records == 2 && exports.rejected == 1)
                exports.lookUpCarts()
                let error = #expect(throws: ExportError.self) { try readAll() }
                #expect(error?.description.contains("the export changed while the run was reading it") == true)
                #expect(exports.rejected == 1)
            }
        }
    }
}
