"""Agent folder <-> Controller: encoder, network, decoder, one ``act()`` per control step."""
