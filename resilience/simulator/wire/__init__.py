"""The providers' wire formats as pure values: bytes in, bytes out, no sockets and no clock."""

from resilience.simulator.wire.chat_completions import ChatCompletions
from resilience.simulator.wire.messages import Messages
from resilience.simulator.wire.values import Call, Complaint, ErrorKind, Generation, WireFormat

__all__ = ["Call", "ChatCompletions", "Complaint", "ErrorKind", "Generation", "Messages", "WireFormat"]
