"""Models as a user of snnctl writes them."""
