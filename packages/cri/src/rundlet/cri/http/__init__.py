"""Plain HTTP beside gRPC: CRI-O's status API, metrics, and the socket that serves both."""
