"""The import paths of the Provider API reference, as re-exports of qcos-core."""
