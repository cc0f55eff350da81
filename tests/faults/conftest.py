import pytest
from tests.assembly.conftest import configured, home  # noqa: F401 - fixtures here too
from tests.delivery.conftest import sink  # noqa: F401 - as above
from tests.faults.service import start


@pytest.fixture
def service(configured, home, sink):  # noqa: F811 - the fixtures above
    """Return what starts a pipeline that delivers to the store and to a real HTTP server."""
    return lambda **settings: start(configured, home, sink, **settings)
