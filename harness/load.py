"""Clients that keep a service busy while something happens to it."""

import threading
from abc import ABC, abstractmethod
from typing import Self


class Load(ABC):
    """Clients in threads of their own, from the beginning of a `with` block to its end."""

    def __init__(self, clients: int) -> None:
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self.client, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    @property
    def goes_on(self) -> bool:
        """True if the block has not ended yet."""
        return not self._ending.is_set()

    def is_running(self) -> bool:
        """True if any client has something left to do."""
        return any(thread.is_alive() for thread in self._threads)

    @abstractmethod
    def client(self, number: int) -> None:
        """Act as one client, as long as `goes_on` or until the work is done."""
