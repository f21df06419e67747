"""nginx in front of the service: TLS, slow clients, and the bytes of downloads."""

from filewallball.nginx.configuration import configuration
from filewallball.rendering import Artifact

ARTIFACTS = (Artifact("nginx/filewallball.conf", configuration),)

__all__ = ["ARTIFACTS"]
