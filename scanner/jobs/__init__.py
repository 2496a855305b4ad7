"""Long work the daemon does: the queue, its lanes, and what people may order.

``board``       all jobs as they now are; the one place where a job changes, is written down and announced
``queue``       JobQueue, what web, command line and schedule call: submit, command, look
``commands``    where an order meets the state of a job
``named``       commands to one pass by its name
``submission``  ScanSpec -> session, passes, plans and job, together or not at all
``scans``       runs a scan job, pass after pass, and waits where a person must act
``reporter``    progress of a running pass, at most five times a second
``exporting``   runs an export job
``restore``     what comes back after a restart

Two lanes: one for scans, because there is one rig, one for jobs that only read and write. A paused scan keeps its
lane, except after a restart. States change by :func:`scanner.states.next_job_state` and by the runner of the job,
nowhere else; nothing is awaited between looking at a state and changing it.
"""

from scanner.jobs.queue import JobQueue

__all__ = ["JobQueue"]
