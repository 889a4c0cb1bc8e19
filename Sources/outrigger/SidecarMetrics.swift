import AgentRuns
import Delivery
import Glibc
import LiveSpans
import RolloutControl
import Rollout
import Router
import RunStore
import Spool

/// The sidecar's numbers.
struct SidecarMetrics {
    private var text = PrometheusText()

    static func text(
        _ proxy: ProxyCounts, _ arms: [(RunRole, DataPlane.ArmStatus)], _ recorder: LiveRecorder.Counts?, _ exporter: SpooledExporter.Counts?,
        _ rollout: RolloutState, isSaved: Bool
    ) -> String {
        var metrics = SidecarMetrics()
        metrics.write(proxy)
        metrics.write(arms)
        metrics.write(rollout, isSaved: isSaved)
        if let recorder { metrics.write(recorder) }
        if let exporter { metrics.write(exporter) }
        metrics.writeProcess()
        return metrics.text.text
    }

    private mutating func write(_ proxy: ProxyCounts) {
        text.begin("outrigger_requests_total", "counter", "Requests answered or failed, by arm, mode and status (0: no answer).")
        for (key, count) in proxy.requests.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            text.sample("outrigger_requests_total", [("role", key.role.rawValue), ("mode", key.mode.rawValue), ("status", String(key.status))], count)
        }
        text.begin("outrigger_router_decisions_total", "counter", "Routing decisions, by arm, mode and reason.")
        for (key, count) in proxy.decisions.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            text.sample(
                "outrigger_router_decisions_total", [("role", key.role.rawValue), ("mode", key.mode.rawValue), ("reason", key.reason)], count)
        }
        text.counts("outrigger_request_failures_total", "Requests that could not be completed.", "type", proxy.failures)
        text.counts("outrigger_requests_refused_total", "Requests answered by the sidecar itself.", "type", proxy.refusals)
        text.counts("outrigger_fallbacks_total", "Requests of the candidate that the baseline answered.", "reason", proxy.fallbacks)
        text.begin("http_server_request_duration_seconds", "histogram", "From a request's head to the end of its answer.")
        for (role, histogram) in proxy.durations.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            var sum = 0
            for (i, count) in histogram.counts.enumerated() {
                sum += count
                let bound = i < LatencyHistogram.bounds.count ? "\(LatencyHistogram.bounds[i])" : "+Inf"
                text.sample("http_server_request_duration_seconds_bucket", [("role", role.rawValue), ("le", bound)], sum)
            }
            text.sample("http_server_request_duration_seconds_sum", [("role", role.rawValue)], histogram.sum)
            text.sample("http_server_request_duration_seconds_count", [("role", role.rawValue)], sum)
        }
        text.single("outrigger_shadow_copies_total", "counter", "Copies taken for the candidate.", proxy.shadowsTaken)
        text.single("outrigger_shadow_copies_done_total", "counter", "Copies whose answer was recorded, or that failed.", proxy.shadowsDone)
        text.counts("outrigger_shadow_copies_dropped_total", "Copies that were never sent.", "reason", proxy.shadowsDropped)
        text.single("outrigger_connections_opened_total", "counter", "Connections of clients.", proxy.connectionsOpened)
        text.single("outrigger_connections", "gauge", "Connections of clients that are open.", proxy.connectionsOpened - proxy.connectionsClosed)
    }

    private mutating func write(_ arms: [(RunRole, DataPlane.ArmStatus)]) {
        text.begin("http_server_active_requests", "gauge", "Requests under way at an arm, copies among them.")
        for (role, status) in arms { text.sample("http_server_active_requests", [("role", role.rawValue)], status.inFlight) }
        text.begin("outrigger_arm_healthy", "gauge", "1 while the arm's health checks pass.")
        for (role, status) in arms { text.sample("outrigger_arm_healthy", [("role", role.rawValue)], status.isHealthy ? 1 : 0) }
        text.begin("outrigger_arm_circuit_open", "gauge", "1 while the arm is left alone because it failed too often.")
        for (role, status) in arms { text.sample("outrigger_arm_circuit_open", [("role", role.rawValue)], status.circuitIsOpen ? 1 : 0) }
    }

    private mutating func write(_ rollout: RolloutState, isSaved: Bool) {
        text.single("outrigger_rollout_revision", "gauge", "The rollout's revision.", rollout.revision)
        text.begin("outrigger_rollout_mode", "gauge", "1 for the mode that is on.")
        for mode in RolloutMode.allCases { text.sample("outrigger_rollout_mode", [("mode", mode.rawValue)], rollout.mode == mode ? 1 : 0) }
        text.begin("outrigger_rollout_weight_percent", "gauge", "The candidate's share of the keys.")
        text.sample("outrigger_rollout_weight_percent", [], rollout.weight.percent)
        text.single("outrigger_rollout_saved", "gauge", "1 while a state file has the rollout as it is; never without one.", isSaved ? 1 : 0)
    }

    private mutating func write(_ recorder: LiveRecorder.Counts) {
        text.single("outrigger_recorder_exchanges_total", "counter", "Exchanges offered for spans.", recorder.offered)
        text.single("outrigger_recorder_exchanges_dropped_total", "counter", "Exchanges for which the queue had no room.", recorder.dropped)
        text.single("outrigger_recorder_exchanges_unsampled_total", "counter", "Exchanges that were not sampled.", recorder.unsampled)
        text.single(
            "outrigger_recorder_exchanges_recovered_total", "counter", "Exchanges of an earlier process that was killed before they became spans.",
            recorder.recovered)
        text.counts(
            "outrigger_recorder_exchanges_unprotected_total", "Exchanges that a kill would have cost their spans.", "reason",
            ["journal_full": recorder.unprotected.full, "too_large": recorder.unprotected.tooLarge, "journal_failed": recorder.unprotected.failed,
                "no_journal": recorder.isProtected ? 0 : recorder.offered - recorder.unsampled])
        text.single("outrigger_recorder_queue", "gauge", "Exchanges that wait to become spans.", recorder.waiting)
        text.single("outrigger_recorder_spans_total", "counter", "Spans made.", recorder.spans)
        text.single("outrigger_recorder_events_total", "counter", "Events made.", recorder.events)
        text.single("outrigger_recorder_answer_problems_total", "counter", "Answers with something wrong in them.", recorder.problems)
        text.begin("outrigger_shadow_comparisons_total", "counter", "What copies' answers were compared in with the served ones, by the result.")
        for (key, count) in recorder.comparisons.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            text.sample("outrigger_shadow_comparisons_total", [("check", key.check), ("result", key.result)], count)
        }
        text.counts("outrigger_recorder_answers_total", "Answers by the form in which they say what the agent did.", "shape", recorder.shapes)
    }

    private mutating func write(_ exporter: SpooledExporter.Counts) {
        text.single("outrigger_export_submitted_total", "counter", "Spans and events to be delivered.", exporter.submitted)
        text.single("outrigger_export_recovered_total", "counter", "Spans and events found in the spool at the start.", exporter.recovered)
        text.single("outrigger_export_delivered_total", "counter", "Spans and events that the collector took.", exporter.delivered)
        text.single("outrigger_export_rejected_total", "counter", "Spans and events that the collector refused for good.", exporter.rejected)
        text.counts("outrigger_export_dropped_total", "Spans and events that were lost.", "reason", exporter.dropped)
        text.single("outrigger_export_waiting", "gauge", "Spans and events that wait.", exporter.waiting)
        text.single("outrigger_export_in_flight", "gauge", "Of those that wait: handed to a sender.", exporter.inFlight)
        text.single("outrigger_export_requests_total", "counter", "Requests to the collector.", exporter.requests)
        text.single("outrigger_export_retries_total", "counter", "Requests that were sent again.", exporter.retries)
        text.single("outrigger_spool_bytes", "gauge", "Bytes on disk.", exporter.spoolBytes)
        text.single("outrigger_spool_segments", "gauge", "Files on disk.", exporter.spoolSegments)
        text.single("outrigger_spool_oldest_age_seconds", "gauge", "How long the oldest of what waits is there; of what an earlier process left, since its file was last written.", exporter.spoolOldestAge)
        text.single("outrigger_spool_damaged_bytes_total", "counter", "Bytes found damaged on disk.", exporter.spoolDamagedBytes)
        text.single("outrigger_spool_failing", "gauge", "1 while the spool cannot be written.", exporter.spoolProblem == nil ? 0 : 1)
    }

    private mutating func writeProcess() {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        text.begin("process_cpu_seconds_total", "counter", "CPU time of the process.")
        text.sample("process_cpu_seconds_total", [], seconds)
        text.single("process_resident_memory_bytes", "gauge", "Resident memory.", Self.residentBytes)
        text.single("process_open_fds", "gauge", "Open file descriptors.", Self.openDescriptors)
    }

    /// The second field of `/proc/self/statm` counts pages.
    private static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static var openDescriptors: Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Two are the names of folders, one is the folder that is read.
        return max(0, count - 3)
    }
}

extension SidecarMetrics {
    /// The numbers of the run store.
    static func text(_ runs: RunStoreWriter.Counts) -> String {
        var text = PrometheusText()
        text.single("outrigger_runs_stored_total", "counter", "Runs that were put into the run store.", runs.stored)
        text.single("outrigger_runs_lost_total", "counter", "Runs that could not be put into the run store: alarm on it.", runs.lost)
        text.single("outrigger_runs_removed_total", "counter", "Runs that were taken out of the run store again, by its retention.", runs.removed)
        return text.text
    }
}
