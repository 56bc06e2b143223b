"""The reader's website: browse, read, search, ask."""
