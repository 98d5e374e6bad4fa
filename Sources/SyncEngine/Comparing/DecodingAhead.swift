import Dispatch
import ExportFiles
import Synchronization

/// Decodes records of exports on a thread of its own, while the next ones are read and the last ones are taken.
final class DecodingAhead: Sendable {
    /// Records of one batch that are to be decoded.
    struct Records: Sendable {
        let batch: RecordBatch
        let chosen: [JudgedRecord]
        /// Their positions among those of all exports.
        let positions: [Int]
        let export: Int
    }

    private let queue = DispatchQueue(label: "cartsync.decoding")
    private let state = Mutex(State())

    private struct State {
        var records: Records?
        var decoded: [ReadRecord] = []
    }

    /// Begins to decode records, and hands out those that it was given before, in their order; nil if there were none.
    ///
    /// - Parameter next: nil begins nothing.
    func exchange(for next: Records?) -> (records: Records, decoded: [ReadRecord])? {
        queue.sync {}
        let last = state.withLock { state in
            let last = state.records.map { ($0, state.decoded) }
            state = State(records: next)
            return last
        }
        guard next != nil else { return last }
        queue.async { [self] in
            state.withLock { state in
                state.decoded = state.records.map { $0.batch.decode($0.chosen) } ?? []
            }
        }
        return last
    }
}
