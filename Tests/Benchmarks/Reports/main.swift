import AssociationDiff
import CartAssociations
import Foundation
import Ledger
import SyncReporting
import TestSupport

/// Measures what recording costs, and makes a state folder with a run whose report can be measured.
///
///     measure-reports record
///     measure-reports make STATE BASE-URL CLIENT-ID CHANGES    prints the run, which `runs resume` reports on

/// The time of one recording, and the memory of a recorder that has seen durations of every kind.
func measureRecording() {
    let calls = 5_000_000
    var numbers = SeededGenerator(seed: 1)
    // Latencies as a store has them: half within 60 ms, some of several seconds.
    let durations = (0..<4096).map { _ in
        let normal = (0..<4).reduce(0.0) { sum, _ in sum + Double.random(in: -1...1, using: &numbers) }
        return Duration.seconds(0.06 * exp(normal * 0.8))
    }
    let started = ContinuousClock.now
    let recorder = LatencyRecorder(started: started, wallClock: Date())
    let clock = ContinuousClock()
    // 500 calls a second for almost three hours: intervals are closed on the way, and that is part of the cost.
    let took = clock.measure {
        for number in 0..<calls {
            let service = durations[number & 4095]
            let now = started + .milliseconds(2 * number)
            recorder.record(
                .attempt(.init(operation: .create, answer: .success, status: 200, service: service)), now: now)
            recorder.record(
                .finished(
                    .init(
                        operation: .create, answer: .success, response: service, paced: .milliseconds(2),
                        backoff: .zero, attempts: 1)), now: now)
        }
    }
    print("nanoseconds a recording: \(Int((took / .nanoseconds(1) / Double(2 * calls)).rounded()))")
    // Every operation with every class of answer, and durations of all lengths, for two days.
    for hour in 0..<48 {
        for operation in CartAssociations.Operation.allCases {
            for answer in AnswerClass.allCases {
                let service = Duration.microseconds(Int64.random(in: 100...120_000_000, using: &numbers))
                let now = started + .seconds(20_000 + 3600 * hour)
                recorder.record(
                    .attempt(.init(operation: operation, answer: answer, status: nil, service: service)), now: now)
                recorder.record(
                    .finished(
                        .init(
                            operation: operation, answer: answer, response: service, paced: service, backoff: service,
                            attempts: 1)), now: now)
            }
        }
    }
    print("bytes of all recorders: \(recorder.bytes)")
}

/// Makes a run that has made all its changes and not yet its report, as after a crash at the very end.
func makeRun(folder: String, store: StoreIdentity, changes: Int) throws {
    let ledger = try Ledger.open(folder: folder, store: store, now: Date())
    let key = ledger.fingerprintKey
    var generator = SystemRandomNumberGenerator()
    let began = Date(timeIntervalSinceNow: -Double(changes) / 500)
    let id = RunRecord.makeID(at: began, using: &generator)
    var run = RunRecord(id: id, command: "sync", source: "default", scope: .owned, started: began)
    run.counts.creates = changes
    run.state = .stopped
    run.exports = [.init(path: "customers.csv", digest: String(repeating: "0", count: 64), records: changes, bytes: 1)]
    try ledger.beginRun(run)
    let plan = ledger.draftPlan(for: id)
    for number in 0..<changes {
        guard let owner = OwnerID("customer-\(number)"), let cart = CartID("cart-\(number)") else { continue }
        let association = Association(.customer, owner, cart)
        let place = RecordPlace(export: 0, record: number + 1, line: number + 2)
        try plan.add(Change(.create, association, place: place), key.fingerprint(association))
    }
    try ledger.appendPlan(plan, at: Date())
    var entries: [JournalEntry] = []
    try ledger.forEachEntry(of: id) { entries.append($0) }
    var numbers = SeededGenerator(seed: 2)
    for start in stride(from: 0, to: entries.count, by: 20_000) {
        try ledger.record(
            entries[start..<min(entries.count, start + 20_000)].enumerated().map { offset, entry in
                let isRefused = (start + offset) % 1000 == 999
                let service = Duration.microseconds(Int64.random(in: 20_000...200_000, using: &numbers))
                return entry.ended(
                    ChangeOutcome(
                        isRefused ? .rejected : .created, answer: isRefused ? .refused : .success,
                        status: isRefused ? 422 : 200, attempts: 1,
                        service: service, response: service * 2, message: isRefused ? "the store refuses it" : nil),
                    at: began.addingTimeInterval(Double(start + offset) / 500))
            })
    }
    try ledger.close()
    print(id)
}

let arguments = CommandLine.arguments.dropFirst().map(\.self)
do {
    if arguments == ["record"] {
        measureRecording()
    } else if arguments.count == 5, arguments[0] == "make", let changes = Int(arguments[4]) {
        let store = StoreIdentity(baseURL: arguments[2], clientID: arguments[3])
        try makeRun(folder: arguments[1], store: store, changes: changes)
    } else {
        print("usage: measure-reports record | make STATE BASE-URL CLIENT-ID CHANGES")
        exit(64)
    }
} catch {
    print("\(error)")
    exit(1)
}
