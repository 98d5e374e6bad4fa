import ServiceLifecycle

/// All jobs of a service as one: it ends when each has ended, and with the error of the first that cannot begin.
package struct JobsService: Service {
    private let jobs: [InboxService]

    package init(_ jobs: [InboxService]) {
        self.jobs = jobs
    }

    package func statuses() -> [JobStatus] { jobs.map { $0.jobStatus() } }

    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for job in jobs { group.addTask { try await job.run() } }
            try await group.waitForAll()
        }
    }
}
