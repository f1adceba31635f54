"""The one error a user of mien sees for bad use or bad input."""

__all__ = ["MienError", "MienWarning"]


class MienError(ValueError):
    """Bad use or bad input, said in one line: what was got, what was expected, what to do.

    The command line prints the message and exits with status 2. Anything else that is raised is a
    fault in mien.

    Examples
    --------
    >>> raise MienError("got an empty file 'a.mp4'; expected a video; check the copy")
    Traceback (most recent call last):
    ...
    mien.core.errors.MienError: got an empty file 'a.mp4'; expected a video; check the copy
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))


class MienWarning(UserWarning):
    """Something a reader of the result should know; the work goes on."""
