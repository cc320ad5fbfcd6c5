"""What many integration tests share: a place for containers, made once for the whole run."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.containers import Containers, start_containers


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    # Not pytest's folder: podman refuses a runroot of more than 50 characters.
    with (
        TemporaryDirectory(prefix="regtui-", ignore_cleanup_errors=True) as directory,
        start_containers(Path(directory)) as place,
    ):
        yield place
