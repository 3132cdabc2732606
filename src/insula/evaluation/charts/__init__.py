"""Charts as inline SVG strings: one chart a file; colours come from the page's style sheet."""
