"""Written forms: how a reader says what is not written as words, kind by kind."""
