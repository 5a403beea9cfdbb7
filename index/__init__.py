"""Articles that can be found: formats, sentences, the library, its vectors, and search."""
