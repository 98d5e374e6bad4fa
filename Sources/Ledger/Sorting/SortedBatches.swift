import Dispatch
import Synchronization

/// Records one after the other in one piece of memory.
struct ByteRecords: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    /// The bytes of all records.
    var size: Int { bytes.count }

    subscript(index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    mutating func reserve(records: Int, bytes size: Int) {
        ends.reserveCapacity(records)
        bytes.reserveCapacity(size)
    }

    mutating func add(_ record: ArraySlice<UInt8>) {
        bytes += record
        ends.append(bytes.count)
    }
}

/// Sorted records in batches: the next one is merged on a thread of its own while the present one is used.
final class SortedBatches: Sendable {
    private let queue = DispatchQueue(label: "cartsync.merging")
    private let state: Mutex<State>

    private struct State {
        var records: SortedRecords
        var next: ByteRecords?
        var error: (any Error)?
    }

    /// A batch is full at one of these.
    static let mostRecords = 2_048
    private static let mostBytes = 256 << 10

    init(_ records: SortedRecords) {
        state = Mutex(State(records: records))
        mergeNext()
    }

    /// The next batch; nil at the end. Throws if a temporary file cannot be read.
    func next() throws -> ByteRecords? {
        queue.sync {}
        let batch = try state.withLock { state in
            if let error = state.error { throw error }
            return state.next.take()
        }
        if batch != nil { mergeNext() }
        return batch
    }

    private func mergeNext() {
        queue.async { [self] in
            state.withLock { state in
                var batch = ByteRecords()
                batch.reserve(records: Self.mostRecords, bytes: Self.mostBytes)
                do {
                    while batch.count < Self.mostRecords && batch.size < Self.mostBytes,
                        try state.records.takeNext({ batch.add($0) })
                    {}
                    if batch.count > 0 { state.next = batch }
                } catch {
                    state.error = error
                }
            }
        }
    }
}
