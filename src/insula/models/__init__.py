"""Models: linear models, encoders, heads, and the model folder, which holds everything that a prediction needs."""
