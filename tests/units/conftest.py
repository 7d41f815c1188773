"""What the units of the configuration share: a file with some text."""

import pytest


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "m.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
