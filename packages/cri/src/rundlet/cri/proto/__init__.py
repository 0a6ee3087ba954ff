"""The CRI's messages: `api_pb2` is made from api.proto when the package is built."""
