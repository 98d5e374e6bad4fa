import Testing

@testable import SyncService

@Suite("the queue of commands that were handed over")
struct CommandQueueTests {
    @Test(
        "a wait is told as far as it can be trusted",
        arguments: [
            (Duration.zero, "less than a minute"), (.seconds(59), "less than a minute"), (.seconds(61), "about 2 min"),
            (.seconds(230), "about 4 min"), (.seconds(7140), "about 119 min"), (.seconds(7500), "about 2 h 5 min"),
        ])
    func about(rest: Duration, words: String) {
        #expect(QueueWords.about(rest) == words)
    }

    @Test("the first is the run of a job or the command that has the turn, then those that came before")
    func ahead() {
        let queue = CommandQueue()
        let first = queue.enter("sync", process: 11)
        let second = queue.enter("runs undo", process: 12)
        let third = queue.enter("import", process: 13)
        #expect(queue.ahead(of: first, job: nil, rest: nil) == nil)
        #expect(
            queue.ahead(of: first, job: "customers", rest: .seconds(230))?.sentence
                == "the run of job customers goes first, about 4 min")
        #expect(
            queue.ahead(of: third, job: "customers", rest: nil)?.sentence
                == "the run of job customers goes first, then 2 more commands")
        queue.takeTurn(first)
        #expect(queue.atHand == nil)
        queue.begin(first, run: "r-1")
        #expect(queue.atHand?.run == "r-1")
        #expect(
            queue.ahead(of: second, job: nil, rest: .seconds(30))?.sentence
                == "cartsync sync of process 11 goes first, less than a minute")
        #expect(
            queue.ahead(of: third, job: nil, rest: nil)?.sentence
                == "cartsync sync of process 11 goes first, then 1 more command")
        queue.leave(first)
        #expect(queue.ahead(of: second, job: nil, rest: nil) == nil)
        #expect(queue.atHand == nil)
    }

    @Test("a service serves its own user and root, and is believed by its own user and by root")
    func users() {
        #expect(ControlSocket.serves(1000, own: 1000) && ControlSocket.serves(0, own: 1000))
        #expect(!ControlSocket.serves(1001, own: 1000) && !ControlSocket.serves(1000, own: 0))
        #expect(ControlSocket.trusts(1000, own: 1000) && ControlSocket.trusts(1000, own: 0))
        #expect(!ControlSocket.trusts(0, own: 1000) && !ControlSocket.trusts(1001, own: 1000))
    }
}
