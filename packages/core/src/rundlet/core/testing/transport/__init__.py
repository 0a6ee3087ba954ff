"""The contract suite of image transports: subclass it, give a transport, get the tests.

    class TestMine(ImageTransportContract):
        @pytest.fixture
        def transport(self):
            return MyTransport()

        @pytest.fixture
        def place(self, tmp_path):
            return str(tmp_path / "image")

Each test quotes the clause of contracts/transport.py that it holds a transport to.
"""

from __future__ import annotations

from .reading import ImageSourceContract as ImageSourceContract
from .samples import DOCKER_MANIFEST as DOCKER_MANIFEST
from .samples import OCI_MANIFEST as OCI_MANIFEST
from .samples import SampleImage as SampleImage
from .samples import described as described
from .samples import read_all as read_all
from .samples import tar as tar
from .writing import Writing


class ImageTransportContract(Writing):
    """Every clause of the image transport contract."""
