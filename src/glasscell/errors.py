"""What can go wrong, as one sentence that says what to do next.

Every error that a user can cause is one of these; its class decides the exit code of the command line.
"""

__all__ = ["DataError", "GlasscellError", "JobCancelled", "ModelError", "NotCompatible"]


class GlasscellError(Exception):
    """Something a user can mend; the message says how."""

    exit_code = 1


class DataError(GlasscellError):
    """The file or the data in it cannot be used as asked."""

    exit_code = 3


class ModelError(GlasscellError):
    """The model, its training or its bundle cannot be used as asked."""

    exit_code = 4


class NotCompatible(GlasscellError):
    """Data, model and method are each in order but do not fit each other."""

    exit_code = 5


class JobCancelled(GlasscellError):
    """The user stopped the work; nothing was changed."""

    exit_code = 130
