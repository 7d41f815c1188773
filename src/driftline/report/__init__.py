"""Records become pages: the HTML report and the terminal text, both from one comparison."""
