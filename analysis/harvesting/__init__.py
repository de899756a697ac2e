"""The machinery under the sources: asking politely, keeping every answer, judging it, landing dated snapshots.

A source (``analysis/sources/<id>.py``) says what to ask and what an answer must look like; everything here is shared.
"""
