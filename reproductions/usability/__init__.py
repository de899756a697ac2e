"""What it is like to use the frameworks: paired programs, planted faults, first contact."""
