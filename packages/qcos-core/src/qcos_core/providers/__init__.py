"""What a provider author touches: base classes, hooks, discovery, and the registry."""
