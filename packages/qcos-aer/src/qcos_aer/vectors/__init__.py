"""State vectors on numpy: many at once, gates fused into blocks that one matrix product applies."""
