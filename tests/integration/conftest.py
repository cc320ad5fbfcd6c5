"""What many integration tests share: a place for containers, made once for the whole run."""

from collections.abc import Iterator

import pytest

from tests.support.containers import Containers, start_containers


@pytest.fixture(scope="session")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    with start_containers(tmp_path_factory.mktemp("containers")) as place:
        yield place
