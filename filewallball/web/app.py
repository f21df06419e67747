"""Flask without what this service never uses and every request would pay for."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.typing import ResponseReturnValue


class Application(Flask):
    """No view or hook here is a coroutine, and most requests meet no hook at all."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def preprocess_request(self) -> ResponseReturnValue | None:
        if self.before_request_funcs or self.url_value_preprocessors:
            return super().preprocess_request()
        return None
