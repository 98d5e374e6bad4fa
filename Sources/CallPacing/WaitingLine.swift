/// The callers that wait for their turn, first come, first served; one caller at a time is at the front.
///
/// Continuations to resume are returned, so that the owner resumes them outside of its lock.
struct WaitingLine: Sendable {
    typealias Turn = CheckedContinuation<Void, any Error>

    private struct Caller: Sendable {
        let number: Int
        let turn: Turn
    }

    private var isFrontTaken = false
    private var callers = Line<Caller>()
    private var lastNumber = 0

    /// Callers in the line, the one at the front included.
    var count: Int { callers.count + (isFrontTaken ? 1 : 0) }

    /// Takes the front if nobody has it.
    mutating func takeFront() -> Bool {
        guard !isFrontTaken else { return false }
        isFrontTaken = true
        return true
    }

    /// A number under which a caller can wait and give up.
    mutating func number() -> Int {
        lastNumber += 1
        return lastNumber
    }

    mutating func wait(_ number: Int, _ turn: Turn) {
        callers.append(Caller(number: number, turn: turn))
    }

    /// Gives the front to the caller that waited longest, which is to be resumed.
    mutating func leave() -> Turn? {
        guard !callers.isEmpty else {
            isFrontTaken = false
            return nil
        }
        return callers.removeFirst().turn
    }

    /// Takes a caller that gave up out of the line; nil where it is at the front already or never waited.
    mutating func abandon(_ number: Int) -> Turn? {
        callers.remove { $0.number == number }?.turn
    }
}
