"""What a framework is named for: features of a mention, a linear classifier kept as JSON, and its evaluation."""
