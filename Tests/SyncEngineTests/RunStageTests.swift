import CartAssociations
import CommerceSandbox
import InMemoryTracing
import TestSupport
import Testing
import Tracing

@testable import SyncEngine

@Suite("the stages of a run in a trace")
struct RunStageTests {
    @Test("any tracer is given them, in their order, with the calls of the stage that makes them")
    func stages() async throws {
        try await withStore { store in
            let path = try store.folder.write("customer_id,cart_id\nc-1,cart-1\nc-2,cart-2\n", to: "export.csv")
            let tracer = InMemoryTracer()
            try await withTracer(tracer) {
                try await store.withClient { client in
                    let run = store.run(path, scope: .listed, current: .api, oneOwnerPerCart: false, client)
                    _ = try await run.plan(keepingRejects: true).apply()
                }
            }
            let spans = tracer.finishedSpans
            let stages = spans.filter { $0.kind == .internal }.map(\.operationName)
            #expect(
                stages == ["find owners", "read", "list", "compare", "plan", "judge", "journal", "apply", "report"])
            func parent(of name: String) -> String? {
                guard let span = spans.first(where: { $0.operationName == name }) else { return nil }
                return spans.first { $0.spanID == span.parentSpanID }?.operationName
            }
            #expect(parent(of: "read") == "plan")
            #expect(parent(of: "GET /v2/carts") == "list")
            #expect(parent(of: "POST /v2/carts/{id}/relationships/customers") == "apply")
        }
    }
}
