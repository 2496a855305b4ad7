"""Long work the daemon does: the queue, its lanes, and what people may order.

``board``       all jobs as they now are; the one place where a job changes, is written down and announced
``custody``     who has a session: jobs that touch it, or somebody who does something to it as a whole
``queue``       JobQueue, what web, command line and schedule call: submit, command, look
``lanes``       the two lanes, opened and closed
``commands``    where an order meets the state of a job
``named``       commands to one pass by its name
``submission``  ScanSpec -> session, passes, plans and job, together or not at all
``scans``       runs a scan job, pass after pass, and waits where a person must act
``passwork``    what is done to a job's passes outside a run: skip, end, conclude
``reporter``    progress of a running pass, at most five times a second
``sessions``    delete, restore, merge while no job may touch the session; jobs whose session is gone
``filejobs``    makes the jobs that only read and write; ``files`` runs them; ``errand`` is what one has in hand
``exporting``, ``checking``, ``adopting``  their work: export; verify and reindex; migrate and import
``reporting``   a job as a row of a report
``restore``     what comes back after a restart

Two lanes: one for scans, because there is one rig, one for jobs that only read and write. A paused scan keeps its
lane, except after a restart. States change by :func:`scanner.states.next_job_state` and by the runner of the job,
nowhere else; nothing is awaited between looking at a state and changing it.

Who may touch a session is decided in ``custody``, in one step with the look: deleting, restoring and merging hold it,
runs and other work touch it. A pass that another scanner has pauses its job (``pass_locked``); one that is taken away
by force fails it (``lock_lost``), motors still and lights dark, and nothing more of it is written.
"""

from scanner.jobs.queue import JobQueue

__all__ = ["JobQueue"]
