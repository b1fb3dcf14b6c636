"""Ways to cut work into shards. Each module has one function that makes shards."""
