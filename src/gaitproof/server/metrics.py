"""Counts and times for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_JOB_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """One set per service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "gaitproof_requests", "Requests answered.", ["method", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "gaitproof_request_seconds",
            "Time until the answer began.",
            ["method"],
            registry=self.registry,
        )
        self._jobs = Counter(
            "gaitproof_jobs", "Jobs that are over.", ["kind", "outcome"], registry=self.registry
        )
        self._job_seconds = Histogram(
            "gaitproof_job_seconds",
            "Time of work on a job.",
            ["kind"],
            buckets=_JOB_SECONDS,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "gaitproof_jobs_now", "Jobs that wait or run.", ["state"], registry=self.registry
        )

    def request(self, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, status).inc()
        self._request_seconds.labels(method).observe(seconds)

    def job(self, kind: str, outcome: str, seconds: float) -> None:
        """Count a job; `outcome` is ``done`` or the kind of problem."""
        self._jobs.labels(kind, outcome).inc()
        self._job_seconds.labels(kind).observe(seconds)

    def look(self, counts: Mapping[str, int]) -> None:
        """Take down how many jobs wait and run now."""
        for state, count in counts.items():
            self._waiting.labels(state).set(count)
