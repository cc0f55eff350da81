"""`certtrace demo --gateway`: the LLM gateway alone, to try clients and instrumentations against."""

import signal
import threading
from contextlib import ExitStack
from typing import Final

import click

from certtrace import assembly
from certtrace.cli.home import ChosenHome
from certtrace.cli.terminal import print_json, remark
from certtrace.demo.faults import FaultLevel, FaultPlan
from certtrace.demo.provider import EXTERNAL_MODEL
from certtrace.demo.serving import start_gateway

SERVICE_NAME: Final = "llm-gateway"


def serve_gateway(home: ChosenHome, *, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM; what the gateway does joins the traces of its callers."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    assembly.configure(home=home.given, service_name=SERVICE_NAME)
    with ExitStack() as stack:
        stack.callback(assembly.shutdown)
        url = start_gateway(stack, FaultPlan(FaultLevel.NONE, seed=0))
        if as_json:
            print_json({"base_url": url, "model": EXTERNAL_MODEL})
        else:
            _say_ready(url)
        ended.wait()


def _say_ready(url: str) -> None:
    remark(f"The gateway is ready; its model {EXTERNAL_MODEL} grades short answers. For the OpenAI SDK:")
    click.echo(f"export OPENAI_BASE_URL={url}")
    click.echo("export OPENAI_API_KEY=not-needed")
    remark("Stop it with Ctrl-C.")
