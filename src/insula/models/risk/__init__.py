"""The head that scores the risk of messages, on top of a layer of the starter model."""
