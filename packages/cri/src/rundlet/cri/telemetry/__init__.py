"""What a server tells of its work: Prometheus metrics and OpenTelemetry traces, where asked."""
