import CallPacing
import CartAssociations
import CommerceAPI
import Ledger
import Tracing

/// A part of a run that has a span of its own in the run's trace.
enum RunStage: String {
    case plan
    case findOwners = "find owners"
    case read
    case list
    case compare
    case judge
    case journal
    case apply
    case report
}

extension RunTools {
    /// Does the work of a stage within its span.
    func stage<Value>(_ stage: RunStage, _ work: () async throws -> Value) async rethrows -> Value {
        let span = begin(stage)
        do {
            let value = try await ServiceContext.$current.withValue(span.context) { try await work() }
            span.end(at: time.traced)
            return value
        } catch {
            end(span, error)
            throw error
        }
    }

    /// The same for work that nothing is waited for in.
    func stageAtOnce<Value>(_ stage: RunStage, _ work: () throws -> Value) rethrows -> Value {
        let span = begin(stage)
        do {
            let value = try ServiceContext.$current.withValue(span.context) { try work() }
            span.end(at: time.traced)
            return value
        } catch {
            end(span, error)
            throw error
        }
    }

    private func begin(_ stage: RunStage) -> any Tracing.Span {
        InstrumentationSystem.tracer.startSpan(
            stage.rawValue, context: ServiceContext.current ?? span.context, at: time.traced)
    }

    /// The words of an error may name an owner: its status alone is told.
    private func end(_ span: any Tracing.Span, _ error: any Error) {
        span.attributes["error.type"] = "\(RunFailure(error).exitStatus)"
        span.setStatus(.init(code: .error))
        span.end(at: time.traced)
    }

    /// Says in the run's span which run it is.
    func trace(_ options: RunOptions) {
        span.updateAttributes { attributes in
            attributes["cartsync.run"] = run
            attributes["cartsync.command"] = options.command
            attributes["cartsync.source"] = options.source
        }
    }

    /// Says in the run's span how it ended.
    func trace(_ status: ExitStatus) {
        span.attributes["cartsync.exit_status"] = Int(status.rawValue)
        guard status.rawValue >= ExitStatus.usage.rawValue else { return }
        span.attributes["error.type"] = "\(status)"
        span.setStatus(.init(code: .error))
    }

    /// Says in the run's span how many changes it planned and what became of them.
    func trace(_ counts: PlanCounts, unsuccessful: Int = 0, pending: Int = 0) {
        span.updateAttributes { attributes in
            attributes["cartsync.creates"] = counts.creates
            attributes["cartsync.deletes"] = counts.deletes
            attributes["cartsync.unsuccessful"] = unsuccessful
            attributes["cartsync.pending"] = pending
        }
    }
}
