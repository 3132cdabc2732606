"""Charts as inline SVG, one per file; the style sheet of the page sets the colours."""
