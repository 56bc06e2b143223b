"""What Celery beat sends, and how often, in seconds."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep": {"task": "kb.tasks.sweep", "schedule": 2.0, "options": {"expires": 10.0}},  # none pile up without a worker
    "carry-out-schedules": {"task": "kb.scheduling.carry_out_due", "schedule": 2.0, "options": {"expires": 10.0}},
    "go-on-with-batches": {"task": "kb.batches.go_on_with_unfinished", "schedule": 5.0, "options": {"expires": 10.0}},
    "empty-trash": {"task": "kb.deleting.purge", "schedule": 3600.0},
    "refresh-statistics": {"task": "kb.tasks.refresh_statistics", "schedule": 30.0},
    "recalibrate": {"task": "kb.refusing.recalibrate", "schedule": 60.0, "options": {"expires": 60.0}},
    "catch-up-index": {"task": "kb.tasks.catch_up_index", "schedule": 30.0, "options": {"expires": 30.0}},
    "catch-up-outlines": {"task": "kb.tasks.catch_up_outlines", "schedule": 60.0, "options": {"expires": 60.0}},
    "compare-passages": {"task": "kb.tasks.compare_passages", "schedule": 30.0, "options": {"expires": 30.0}},
    "keep-questions": {"task": "kb.tasks.keep_questions", "schedule": 3600.0},
    "resume-imports": {"task": "kb.importing.runs.resume", "schedule": 5.0, "options": {"expires": 10.0}},
    "forget-imports": {"task": "kb.importing.runs.forget", "schedule": 3600.0},
    "collect-garbage": {"task": "kb.tasks.collect_garbage", "schedule": 3600.0},
    "probe-recall": {"task": "kb.probing.probe_recall", "schedule": 3600.0, "options": {"expires": 600.0}},
}
