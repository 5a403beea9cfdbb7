"""Trains the reader that the product ships: `python -m qa.reader.train DATA OUT`. Needs the extra `.[train]`."""
