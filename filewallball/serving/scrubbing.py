"""The scrub of this process, and operations that the service itself performs."""

from collections.abc import Callable

from filewallball.database.connections import Database
from filewallball.files.scrub import Scrub
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import Ledger, Operation, operation
from filewallball.registry import Holder, part
from filewallball.storage.local import LocalStore


def scrub(holder: Holder) -> Scrub:
    """The scrub of this process."""
    return Scrub(part(Database, holder), part(LocalStore, holder), system_operations(holder))


def system_operations(holder: Holder) -> Callable[[str, str], Operation]:
    """Begins operations that the service itself performs: takes the action and the resource's id."""
    ledger = part(Ledger, holder)
    return lambda action, resource_id: operation(ledger, action, SYSTEM, resource_id=resource_id)
