extension PageAssets {
    /// The OpenAPI description of every path.
    static let description = #"""
        openapi: 3.1.0
        info:
          title: cartsync service
          version: "1"
          summary: What `cartsync serve` does, and approvals of runs that wait for a person.
          description: >-
            Everything can be read without a token; approving and stopping need the token of `http.approval-token`.
            The Host header has to be a loopback name or one of `http.names`. Errors are JSON with `error` and `status`.
          license: {name: Apache-2.0, identifier: Apache-2.0}
        servers: [{url: "http://127.0.0.1:8480"}]
        tags:
          - {name: service, description: What goes on now.}
          - {name: runs, description: What was done, and what waits.}
          - {name: page, description: The files of the page.}
        paths:
          /healthz:
            get:
              operationId: health
              tags: [service]
              summary: Whether the service is alive.
              responses:
                "200": {$ref: "#/components/responses/Health"}
                "503": {$ref: "#/components/responses/Health"}
                default: {$ref: "#/components/responses/Error"}
          /readyz:
            get:
              operationId: readiness
              tags: [service]
              summary: Whether every job can do its work, and why not.
              responses:
                "200": {$ref: "#/components/responses/Readiness"}
                "503": {$ref: "#/components/responses/Readiness"}
                default: {$ref: "#/components/responses/Error"}
          /metrics:
            get:
              operationId: metrics
              tags: [service]
              summary: Metrics in Prometheus' text format.
              responses:
                "200":
                  description: The metrics.
                  content: {text/plain: {schema: {type: string}}}
                default: {$ref: "#/components/responses/Error"}
          /api/service:
            get:
              operationId: service
              tags: [service]
              summary: Jobs, the run that goes on, and the runs that wait for a person.
              responses:
                "200":
                  description: The service at this moment.
                  content: {application/json: {schema: {$ref: "#/components/schemas/Service"}}}
                default: {$ref: "#/components/responses/Error"}
          /api/service/events:
            get:
              operationId: serviceEvents
              tags: [service]
              summary: The same once a second, as server-sent events named `service`.
              description: At most 32 listeners; a stream ends after a quarter of an hour and may be begun anew.
              responses:
                "200": {$ref: "#/components/responses/Events"}
                "503": {$ref: "#/components/responses/Error"}
                default: {$ref: "#/components/responses/Error"}
          /api/runs:
            get:
              operationId: runs
              tags: [runs]
              summary: Runs, the newest first.
              parameters:
                - name: limit
                  in: query
                  description: The most runs of the answer.
                  schema: {type: integer, minimum: 1, maximum: 1000, default: 50}
                - name: before
                  in: query
                  description: The runs before this one; `next` of an answer has it.
                  schema: {$ref: "#/components/schemas/RunId"}
              responses:
                "200":
                  description: A page of runs.
                  content: {application/json: {schema: {$ref: "#/components/schemas/Runs"}}}
                "400": {$ref: "#/components/responses/Error"}
                "404": {$ref: "#/components/responses/Error"}
                default: {$ref: "#/components/responses/Error"}
          /api/runs/{run}:
            parameters: [{$ref: "#/components/parameters/Run"}]
            get:
              operationId: run
              tags: [runs]
              summary: The report of a run (samples/report.schema.json), or what is known of one without a report.
              responses:
                "200":
                  description: The report.
                  content:
                    application/json:
                      schema: {type: object, required: [run, command]}
                "404": {$ref: "#/components/responses/Error"}
                default: {$ref: "#/components/responses/Error"}
          /api/runs/{run}/events:
            parameters: [{$ref: "#/components/parameters/Run"}]
            get:
              operationId: runEvents
              tags: [runs]
              summary: How far a run has come once a second (`progress`), and how it ended (`end`), as server-sent events.
              responses:
                "200": {$ref: "#/components/responses/Events"}
                "404": {$ref: "#/components/responses/Error"}
                "503": {$ref: "#/components/responses/Error"}
                default: {$ref: "#/components/responses/Error"}
          /api/runs/{run}/approve:
            parameters: [{$ref: "#/components/parameters/Run"}]
            post:
              operationId: approve
              tags: [runs]
              summary: Let a waiting run go on, once, for 24 hours.
              security: [{token: []}]
              requestBody:
                content:
                  application/json:
                    schema:
                      type: object
                      properties:
                        maxDeletes:
                          description: The most deletes of the new plan; without it exactly those of the refused one.
                          type: [integer, "null"]
                          minimum: 0
                          maximum: 1000000000
              responses:
                "202": {$ref: "#/components/responses/Done"}
                "400": {$ref: "#/components/responses/Error"}
                "401": {$ref: "#/components/responses/Error"}
                "403": {$ref: "#/components/responses/Error"}
                "404": {$ref: "#/components/responses/Error"}
                "409": {$ref: "#/components/responses/Error"}
                "413": {$ref: "#/components/responses/Error"}
                "415": {$ref: "#/components/responses/Error"}
                default: {$ref: "#/components/responses/Error"}
          /api/runs/{run}/stop:
            parameters: [{$ref: "#/components/parameters/Run"}]
            post:
              operationId: stop
              tags: [runs]
              summary: Stop the run that goes on; it waits until it is approved.
              security: [{token: []}]
              responses:
                "202": {$ref: "#/components/responses/Done"}
                "401": {$ref: "#/components/responses/Error"}
                "403": {$ref: "#/components/responses/Error"}
                "404": {$ref: "#/components/responses/Error"}
                "409": {$ref: "#/components/responses/Error"}
                default: {$ref: "#/components/responses/Error"}
          /runs/{run}/report.html:
            parameters: [{$ref: "#/components/parameters/Run"}]
            get:
              operationId: report
              tags: [page]
              summary: The report of a run as a page.
              responses:
                "200": {$ref: "#/components/responses/Page"}
                "404": {$ref: "#/components/responses/Error"}
                default: {$ref: "#/components/responses/Error"}
          /:
            get:
              operationId: page
              tags: [page]
              summary: The page.
              responses:
                "200": {$ref: "#/components/responses/Page"}
                default: {$ref: "#/components/responses/Error"}
          /page.css:
            get:
              operationId: style
              tags: [page]
              summary: Its style.
              responses:
                "200": {description: The style., content: {text/css: {schema: {type: string}}}}
                default: {$ref: "#/components/responses/Error"}
          /page.js:
            get:
              operationId: script
              tags: [page]
              summary: Its script.
              responses:
                "200": {description: The script., content: {text/javascript: {schema: {type: string}}}}
                default: {$ref: "#/components/responses/Error"}
          /icon.svg:
            get:
              operationId: icon
              tags: [page]
              summary: Its icon.
              responses:
                "200": {description: The icon., content: {image/svg+xml: {schema: {type: string}}}}
                default: {$ref: "#/components/responses/Error"}
          /api/openapi.yaml:
            get:
              operationId: description
              tags: [page]
              summary: This description.
              responses:
                "200": {description: The description., content: {application/yaml: {schema: {type: object}}}}
                default: {$ref: "#/components/responses/Error"}
        components:
          securitySchemes:
            token: {type: http, scheme: bearer, description: The token of `http.approval-token`.}
          parameters:
            Run:
              name: run
              in: path
              required: true
              description: The id of a run.
              schema: {$ref: "#/components/schemas/RunId"}
          responses:
            Health:
              description: Whether the service is alive.
              content:
                application/json:
                  schema:
                    type: object
                    required: [status]
                    additionalProperties: false
                    properties:
                      status: {enum: [ok, hangs]}
                      lastPollSeconds: {type: number, minimum: 0}
            Readiness:
              description: Whether every job can do its work.
              content:
                application/json:
                  schema:
                    type: object
                    required: [isReady, reasons]
                    additionalProperties: false
                    properties:
                      isReady: {type: boolean}
                      reasons: {type: array, items: {type: string}}
            Events:
              description: Server-sent events.
              content: {text/event-stream: {schema: {description: "Events, each with `event` and `data`, the latter JSON."}}}
            Page:
              description: A page.
              content: {text/html: {schema: {type: string}}}
            Done:
              description: It was taken note of.
              content:
                application/json:
                  schema:
                    type: object
                    required: [message]
                    additionalProperties: false
                    properties: {message: {type: string}}
            Error:
              description: Why it is not done.
              content:
                application/json:
                  schema:
                    type: object
                    required: [error, status]
                    additionalProperties: false
                    properties:
                      error: {type: string}
                      status: {type: integer, minimum: 400, maximum: 599}
          schemas:
            RunId: {type: string, pattern: "^[0-9]{8}-[0-9]{6}-[0-9a-z]{4}$", example: 20261121-101500-4f2a}
            Service:
              type: object
              required: [version, time, takesApprovals, rate, jobs, waiting, runsSeen]
              additionalProperties: false
              properties:
                version: {type: string}
                time: {type: string, format: date-time}
                takesApprovals: {type: boolean, description: Whether there is a token.}
                rate:
                  type: object
                  description: Calls a second, in force and as it was set.
                  required: [now, limit]
                  additionalProperties: false
                  properties: {now: {type: integer}, limit: {type: integer}}
                jobs: {type: array, items: {$ref: "#/components/schemas/Job"}}
                run: {$ref: "#/components/schemas/Progress"}
                waiting: {type: array, items: {$ref: "#/components/schemas/Waiting"}}
                runsSeen: {type: integer, description: Grows with each run that begins or ends.}
            Job:
              type: object
              required: [name, source, exportsWaiting, problems]
              additionalProperties: false
              properties:
                name: {type: string}
                source: {type: string, description: Where its exports come from.}
                nextPollSeconds: {type: number, minimum: 0}
                pauseSeconds: {type: number, minimum: 0, description: For how long no export is taken because runs failed.}
                exportsWaiting: {type: integer, minimum: 0}
                export: {type: string, description: The export that is being synced.}
                problems: {type: array, items: {type: string}}
            Progress:
              type: object
              description: How far a run has come; spans in seconds, latencies in milliseconds, rates in calls a second.
              required: [run, job, export, phase, done, failed, retries, limit, elapsedSeconds, isStopping]
              additionalProperties: false
              properties:
                run: {$ref: "#/components/schemas/RunId"}
                job: {type: string}
                export: {type: string}
                phase: {type: string}
                done: {type: integer, minimum: 0}
                total: {type: integer, minimum: 0}
                failed: {type: integer, minimum: 0}
                retries: {type: integer, minimum: 0}
                rate: {type: number, minimum: 0}
                limit: {type: number, minimum: 0}
                reason: {type: string}
                pauseSeconds: {type: number, minimum: 0}
                elapsedSeconds: {type: number, minimum: 0}
                secondsLeft: {type: number, minimum: 0}
                p50: {type: number, minimum: 0}
                p99: {type: number, minimum: 0}
                isStopping: {type: boolean}
            Waiting:
              type: object
              required: [run, job, export, cause, since, records, creates, deletes, reasons, owners, canBeApproved, command]
              additionalProperties: false
              properties:
                run: {$ref: "#/components/schemas/RunId"}
                job: {type: string}
                export: {type: string}
                cause: {enum: [refused, stopped]}
                since: {type: string, format: date-time}
                records: {type: integer, minimum: 0}
                creates: {type: integer, minimum: 0}
                deletes: {type: integer, minimum: 0}
                reasons: {type: array, items: {type: string}}
                owners:
                  type: array
                  description: The ten owners who would lose the most carts.
                  items:
                    type: object
                    required: [kind, owner, deletes]
                    additionalProperties: false
                    properties: {kind: {enum: [customer, account]}, owner: {type: string}, deletes: {type: integer}}
                canBeApproved: {type: boolean, description: Whether a number of deletes is all it needs.}
                approvedUntil: {type: string, format: date-time}
                command: {type: string, description: What to type, or to do, to let it go on.}
            Runs:
              type: object
              required: [runs]
              additionalProperties: false
              properties:
                runs: {type: array, items: {$ref: "#/components/schemas/RunSummary"}}
                next: {type: string, description: The path of the next page.}
            RunSummary:
              type: object
              required: [run, job, command, state, started, creates, deletes, kept, exports]
              additionalProperties: false
              properties:
                run: {$ref: "#/components/schemas/RunId"}
                job: {type: string}
                command: {type: string}
                state: {enum: [planning, refused, applying, finished, stopped, failed, superseded, waiting]}
                started: {type: string, format: date-time}
                ended: {type: string, format: date-time}
                exitStatus: {type: integer}
                verdict: {type: string}
                creates: {type: integer, minimum: 0}
                deletes: {type: integer, minimum: 0}
                kept: {type: integer, minimum: 0}
                exports: {type: array, items: {type: string}}
                report: {type: string, description: The path of its report.}

        """#
}
