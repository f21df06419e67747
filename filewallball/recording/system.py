"""Operations that the service itself performs."""

from collections.abc import Callable

from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import Ledger, Operation, operation
from filewallball.registry import Holder, part


def system_operations(holder: Holder) -> Callable[[str, str], Operation]:
    """Begins operations of the service: takes the action and the resource's id."""
    ledger = part(Ledger, holder)
    return lambda action, resource_id: operation(ledger, action, SYSTEM, resource_id=resource_id)
