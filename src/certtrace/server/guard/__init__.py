"""What every request passes before its body is read, and every answer before it leaves."""

from fastapi import FastAPI

from certtrace.server.box import Box
from certtrace.server.guard.crowd import Crowd
from certtrace.server.guard.failures import Failures
from certtrace.server.guard.headers import SafeHeaders
from certtrace.server.guard.methods import Methods
from certtrace.server.guard.refusals import Refusals


def install(app: FastAPI, box: Box) -> None:
    """Put the guards around an application; the last one added is met first."""
    app.add_middleware(Methods)
    app.add_middleware(Crowd, at_once=box.limits.requests)
    app.add_middleware(Refusals, base_url=box.base_url, hosts=box.hosts)
    app.add_middleware(Failures)
    app.add_middleware(SafeHeaders)
