"""Tables and pictures of results: figures, and the HTML report that shows them."""
