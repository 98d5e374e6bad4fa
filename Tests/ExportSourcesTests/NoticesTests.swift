import Testing

@testable import ExportSources

@Suite("what a source notices")
struct NoticesTests {
    @Test("each sentence is told once, however often it is noticed, and a source cannot make it go on without end")
    func once() {
        let notices = Notices()
        for _ in 0..<3 { notices.add("odd") }
        #expect(notices.take() == ["odd"])
        notices.add("odd")
        #expect(notices.take() == [])
        for number in 0..<5000 { notices.add("\(number)") }
        #expect(notices.take().count == 999)
    }
}
