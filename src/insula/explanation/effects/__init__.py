"""Effects: how much a feature of texts changes a model's scores when it is inserted or removed."""
