"""A job as a row of a report (pure)."""

from __future__ import annotations

from scanner.records import Job, JobReport, JobResult


def report_of(job: Job) -> JobReport:
    """What a job amounts to so far; ``photos``: saved, exported or found in order."""
    result = job.result or JobResult(saved=job.progress.done if job.progress.unit == "photos" else 0)
    return JobReport(
        id=job.id,
        kind=job.kind,
        title=job.title,
        session_id=job.session_id,
        passes=job.passes,
        state=job.state,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        worked_s=job.elapsed_s,
        photos=result.saved if job.progress.unit == "photos" else 0,
        bytes=result.bytes,
        error=None if job.error is None else job.error.message,
    )
