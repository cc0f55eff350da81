"""The destinations that the settings name."""

from typing import Final

from certtrace.delivery.langfuse import LangfuseDestination
from certtrace.ports import Destination
from certtrace.records.schema import connect
from certtrace.records.store import StoreDestination
from certtrace.settings import Settings

_STORE_BUSY_SECONDS: Final = 5.0


def destinations_of(settings: Settings) -> list[Destination]:
    """Return the destinations, each ready to take something; the store is made where there is none.

    Raises:
        StoreError: The store cannot be opened.
        ConfigurationError: A destination's address is not usable.
    """
    found: list[Destination] = []
    if "store" in settings.destinations:
        connect(settings.store_path, _STORE_BUSY_SECONDS).close()
        found.append(StoreDestination(settings.store_path))
    if "langfuse" in settings.destinations and settings.langfuse_secret_key and settings.langfuse_public_key:
        found.append(
            LangfuseDestination(
                settings.langfuse_base_url,
                settings.langfuse_public_key,
                settings.langfuse_secret_key.get_secret_value(),
                timeout_seconds=settings.delivery_timeout_seconds,
            )
        )
    return found
