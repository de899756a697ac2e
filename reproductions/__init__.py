"""Running both frameworks: parity, accuracy and measurement of matched workloads.

Only ``reproductions/frameworks/<name>.py`` and ``reproductions/workloads/*/<name>.py`` import a framework.
"""
