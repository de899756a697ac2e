"""One module a service: what it answers on a good day, from seeded synthetic content in the service's real shape."""
