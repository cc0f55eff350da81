"""The end of the host's stack: nothing may be opened where its end would not fit any more."""


def reach_as_deep_as_the_end() -> None:
    """Raise `RecursionError` unless there is as much stack left as the end of a local root takes.

    Ending a root takes more than opening one. So near its recursion limit a host would get a span that cannot be ended;
    this way the opening fails, nothing is open, and the call goes on untraced.
    """
    _deeper_1()


def _deeper_1() -> None:
    _deeper_2()


def _deeper_2() -> None:
    _deeper_3()


def _deeper_3() -> None:
    pass
