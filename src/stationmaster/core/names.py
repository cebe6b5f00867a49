"""The names by which declared things know each other."""

from typing import NewType

ServiceName = NewType("ServiceName", str)
InstanceName = NewType("InstanceName", str)
VirtualHostName = NewType("VirtualHostName", str)
ApiName = NewType("ApiName", str)
UserName = NewType("UserName", str)
NodeName = NewType("NodeName", str)
