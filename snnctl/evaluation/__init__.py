"""An agent on an emulated chip against a budget: return, energy, latency, verdict."""
