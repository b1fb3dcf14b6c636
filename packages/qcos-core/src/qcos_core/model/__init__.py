"""Plain frozen data: the words that all layers share. Nothing here runs a circuit."""
