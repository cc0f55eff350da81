"""The scripts that lead from each version of the store to the next. One that was released is never changed."""

from typing import Final

from certtrace.records.migrations import version_1, version_2

MIGRATIONS: Final = (version_1.SCRIPT, version_2.SCRIPT)
"""The script that leads from version n to n + 1 stands at position n."""
