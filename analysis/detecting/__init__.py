"""The framework of a repository, from its imports and manifests: nothing is executed, everything is bounded."""
