import DurableFiles
import Ledger

/// The folders of runs in the state folder, of which the newest are kept: exports without end make runs without end.
///
/// The ledger keeps what every run did.
struct KeptRuns {
    /// How many are kept.
    let most: Int
    let ledger: Ledger

    /// Removes the oldest folders, so that there is one less than are kept. Those of runs that can go on, or wait for a
    /// person, stay, and so does what is no run of the ledger. What cannot be removed now is so before the next run.
    func makeRoomForOne() {
        let folder = ledger.folder + "/runs"
        guard let names = try? FileSystem.names(in: folder).names, names.count >= most else { return }
        let waiting = Set(WaitingRuns(ledger).all().map(\.id))
        var excess = names.count - most + 1
        // Ids begin with the time.
        for name in names.sorted() where excess > 0 {
            guard let run = try? ledger.run(name), !run.isResumable, run.state != .planning, !waiting.contains(name)
            else { continue }
            try? FileSystem.remove(RunTools.folder(of: name, in: ledger))
            excess -= 1
        }
    }
}
