"""What is trained: linear models, encoders, heads, and the folder that holds everything a prediction depends on."""
