"""Why a model gave its answer: which words carried it, and how far that explanation can be trusted."""
