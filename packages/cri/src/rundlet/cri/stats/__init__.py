"""What pods and containers use: stats and metrics."""
