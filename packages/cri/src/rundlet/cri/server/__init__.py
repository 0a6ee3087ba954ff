"""The gRPC server: the socket, calls and their errors, worker threads, what a node shares."""
