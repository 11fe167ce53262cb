"""What is counted and measured, and how it is told: to a person, to Prometheus, to OpenTelemetry."""
