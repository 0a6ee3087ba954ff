"""gRPC calls on a unix socket, by gRPC's C core.

`server` reads the calls, `call` is the life of one, `methods` leads from an RPC's name to the
service's method and from our errors to gRPC's statuses.

Why not grpc.aio: an event of its completion queue goes from the thread that waits for it to the
event loop by a socket, twice per call, and each time a sleeping thread is woken. An empty call
takes half as long again as containerd's so. Here the thread that waits for events answers what
needs no waiting itself, and takes as long as containerd does. The binding (`grpc._cython.cygrpc`)
is what grpc.server() and grpc.aio are written on; these calls of it are the same in all releases
from 1.60 to 1.85.
"""
