"""Version 2: what a server keeps beside the spans of its own process."""

from typing import Final

from certtrace.records.migrations import version_2_catalog, version_2_traces, version_2_work

SCRIPT: Final = ";\n".join(
    part.SCRIPT.strip().removesuffix(";") for part in (version_2_traces, version_2_catalog, version_2_work)
)
