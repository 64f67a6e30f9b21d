"""HTTP: the protocol with deadlines, the doors, the management API, health."""
