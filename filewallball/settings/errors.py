"""The error of settings that are wrong."""


class ConfigError(Exception):
    """One or more settings are wrong; `messages` has one line for each."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
