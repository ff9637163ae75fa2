"""What a model stands: fewer counts, another protocol, another file."""
