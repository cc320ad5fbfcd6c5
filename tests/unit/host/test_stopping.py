"""What stands against stopping a registry: a config that is another one than it was started with."""

import pytest

from regtui.host.container_files import ContainerFile
from regtui.host.containers import Container
from regtui.host.stopping import outdated

STARTED = 1_700_000_000.7


@pytest.mark.parametrize(
    ("after", "is_outdated"), [(-60.0, False), (-0.1, False), (0.3, False), (1.1, True), (60.0, True)]
)
def test_a_config_that_was_changed_since_the_start_is_told_but_for_what_cp_rounds(
    after: float, is_outdated: bool
) -> None:
    """A time of 11.6 s comes out of `docker cp` as 12 s, of a container that was started at 11.7 s."""
    container = Container("registry", "image", "registry:2", (), True, {}, started=STARTED)
    file = ContainerFile("/etc/docker/registry/config.yml", "version: 0.1", changed=STARTED + after)
    assert (outdated(container, file) is not None) is is_outdated
