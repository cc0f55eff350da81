"""Every error certtrace raises on purpose.

A message says what is wrong, which value it was and where it came from, and what to do. It never quotes a secret or a
payload.
"""


class CerttraceError(Exception):
    """The root of all errors that certtrace raises."""


class ConfigurationError(CerttraceError):
    """A setting, a policy or an environment variable cannot be used."""


class DecorationError(CerttraceError, TypeError):
    """`@traced` or `instrument` was given something that cannot be called."""


class StoreError(CerttraceError):
    """The embedded store cannot be opened, read or written."""


class SpoolError(CerttraceError):
    """The spool folder cannot be used."""


class InputError(CerttraceError):
    """A file or a value given by a user cannot be read."""


class TraceNotFoundError(CerttraceError, LookupError):
    """No trace has the id, the prefix or the submission that was asked for, or several have."""
