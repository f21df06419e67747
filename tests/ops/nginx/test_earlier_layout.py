"""nginx sends blobs from where earlier releases published them, as it sends new ones."""

import pytest
import requests

from filewallball import create_app
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from harness.servers import Front, Service
from tests.fixtures.earlier_layout import lay_out_as_before

pytestmark = pytest.mark.server


def test_files_of_an_earlier_layout_are_sent_whole_and_in_part(front: Front, behind: Service) -> None:
    with requests.Session() as session:
        session.trust_env = False
        content = b"of an earlier release"
        file = session.put(f"{front.url}/upload/earlier.bin", data=content, timeout=120).json()
        _lay_out_as_before(behind)
        address = f"{front.url}/download/{file['file_id']}"

        whole = session.get(address, timeout=120)
        part = session.get(address, headers={"Range": "bytes=3-4"}, timeout=120)

    assert (whole.status_code, whole.content) == (200, content)
    assert (part.status_code, part.content) == (206, b"an")


def _lay_out_as_before(service: Service) -> None:
    parts = Parts(create_app(load_settings(service.environment())))
    lay_out_as_before(parts)
    parts.journal.close()
    parts.slots.release()
    parts.database.close()
