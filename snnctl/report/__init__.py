"""Tables and pictures of results: SVG and matplotlib figures, and the HTML report."""
