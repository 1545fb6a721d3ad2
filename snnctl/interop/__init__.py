"""Policies of other libraries, read as data: no code of a stranger is imported, called or unpickled."""
