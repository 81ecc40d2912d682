"""Resources of the service, one module per group."""
