import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs all tasks of this process on its one thread, step by step, each time a ready one that a seed chooses.
///
/// The runtime hands every job over that it would give to its pool of threads: what runs next is the seed's choice alone,
/// and when nothing is ready, every task waits.
final class SteppedTasks: @unchecked Sendable {
    /// The hook has no room for an object of its own.
    static let shared = SteppedTasks()

    private typealias Original = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Original) -> Void

    private var ready: [UnownedJob] = []
    private var random = SeededRandom(0)
    private let thread = pthread_self()

    /// Takes over all jobs from now on; false if the runtime does not allow it.
    func install() -> Bool {
        guard let symbol = unsafe dlsym(dlopen(nil, RTLD_NOW), "swift_task_enqueueGlobal_hook") else { return false }
        let hook = unsafe symbol.assumingMemoryBound(to: Hook?.self)
        unsafe hook.pointee = { job, _ in SteppedTasks.shared.take(job) }
        return true
    }

    /// Forgets what is ready, and chooses by another seed from now on.
    func begin(seed: UInt64) {
        ready.removeAll()
        random = SeededRandom(seed)
    }

    /// Forgets what is ready: the process that it belongs to is no more.
    func drop() { ready.removeAll() }

    /// Runs one job up to its next wait; false if none is ready.
    func step() -> Bool {
        guard !ready.isEmpty else { return false }
        let index = ready.count == 1 ? 0 : random.index(ready.count)
        ready.swapAt(index, ready.count - 1)
        let job = ready.removeLast()
        // The executor of tasks that are bound to none.
        unsafe job.runSynchronously(on: unsafeBitCast((UInt(0), UInt(0)), to: UnownedSerialExecutor.self))
        return true
    }

    private func take(_ job: UnownedJob) {
        precondition(pthread_equal(thread, pthread_self()) != 0, "a task was woken from another thread")
        ready.append(job)
    }
}
