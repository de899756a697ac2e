"""Our parts beside their peers: the same synthetic input, process CPU time, alternating rounds.

Not shipped with the package; run from the root of the repository.
"""
