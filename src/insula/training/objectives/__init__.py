"""What training minimises: objectives, their losses and weights."""
