"""What the rule of ``analysis.mentions`` knows: names and their traps, words beside a name, abbreviations."""
