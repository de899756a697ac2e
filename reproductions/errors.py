"""Errors that reach a person: each names what is wrong, where, and what to do next."""


class SurveyError(Exception):
    """A problem the user can act on; the command line prints it without a traceback and exits with 2."""


class WorkerFailed(Exception):
    """A worker process ended or answered with an error; becomes a row with ``status``, never a gap.

    status   one of ``failed``, ``timeout``, ``oom``, ``unsupported``
    message  one line for the row
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status
        self.message = message
