"""Instructions as the Dockerfile had them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.history import instruction


@pytest.mark.parametrize(
    ("created_by", "expected"),
    [
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
        ("/bin/sh -c #(nop) ADD file:0ab1 in / ", "ADD file:0ab1 in /"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN /bin/sh -c apk add curl # buildkit", "RUN apk add curl"),
        ("RUN |2 A=1 B=two words /bin/sh -c make # buildkit", "RUN make"),
        ("|1 VERSION=1.2 /bin/sh -c make install", "RUN make install"),
        ("COPY /src /app # buildkit", "COPY /src /app"),
        ('ENTRYPOINT ["/app"]', 'ENTRYPOINT ["/app"]'),
        ("cmd /S /C #(nop)  ENV A=1", "ENV A=1"),
        ("cmd /S /C mkdir C:\\app", "RUN mkdir C:\\app"),
        ("RUN cmd /S /C dir # buildkit", "RUN dir"),
        ("powershell -Command $E = 'Stop'; #(nop)  USER app", "USER app"),
        ("RUN powershell -Command Get-Item x # buildkit", "RUN powershell -Command Get-Item x"),
        ("RUN /bin/bash -o pipefail -c a | b # buildkit", "RUN /bin/bash -o pipefail -c a | b"),
        ("RUN |1 A=1 /bin/bash -c make # buildkit", "RUN /bin/bash -c make"),
        ("bazel build ...", "bazel build ..."),
        ("echo '#(nop)'", "echo '#(nop)'"),
        ("", ""),
    ],
)
def test_instructions(created_by: str, expected: str) -> None:
    assert instruction(created_by) == expected


@given(st.text())
def test_a_run_is_read_back(command: str) -> None:
    command = f"x {command} y"
    assert instruction(f"RUN /bin/sh -c {command} # buildkit") == f"RUN {command}"
