"""nginx in front of the service: TLS, slow clients, and the bytes of downloads."""

from filewallball.ops.nginx import configuration
from filewallball.ops.rendering import Artifact

ARTIFACTS = (Artifact("nginx/filewallball.conf", configuration),)

__all__ = ["ARTIFACTS"]
