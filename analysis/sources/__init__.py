"""The adoption sources, one module each; README.md says what a module has to hold."""
