"""What the catalog says no to, in words for whoever asked."""


class RefusedError(ValueError):
    """What was asked for cannot be."""


class MissingError(LookupError):
    """What was asked for is not there."""
