import CallPacing
import Foundation
import Logging
import Synchronization
import TraceExport
import Tracing

/// The traces of this process, which go where OpenTelemetry's variables of the environment say; nowhere without them.
enum Traces {
    private static let exporter = Mutex<TraceExporter?>(nil)

    /// Does the work of a command, and sends the spans of its runs meanwhile. The last ones have three seconds.
    static func exported<Value>(_ work: () async throws -> Value) async throws -> Value {
        guard let exporter = begin() else { return try await work() }
        async let exporting: Void = exporter.run()
        let result: Result<Value, any Error>
        do { result = .success(try await work()) } catch { result = .failure(error) }
        exporter.finish()
        await exporting
        return try result.get()
    }

    /// Tells of spans that are lost in a log from now on.
    static func tell(in log: Logger) {
        exporter.withLock(\.self)?.tell { log.warning("spans are lost", metadata: ["reason": "\($0)"]) }
    }

    private static func begin() -> TraceExporter? {
        switch TraceSettings.find(ProcessInfo.processInfo.environment) {
        case .off: return nil
        case .impossible(let why):
            Terminal.message("cartsync: warning: no traces are sent: \(why)")
            return nil
        case .on(let settings, let notes):
            for note in notes { Terminal.message("cartsync: warning: traces: \(note)") }
            let made = TraceExporter(settings, version: Version.number, time: .system) { sentence in
                Terminal.message("cartsync: warning: \(sentence)")
            }
            exporter.withLock { $0 = made }
            InstrumentationSystem.bootstrap(made.tracer)
            return made
        }
    }
}
